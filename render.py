"""The front door of rendering: services.yml, policies/ and templates/ to the CloudFormation templates of out/.

`make render` and `make check` run it; `python render.py --help` says the rest.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Last, so that no file of this folder is taken for a library; under -I it is not there at all.
sys.path[:] = [*(path for path in sys.path if os.path.abspath(path) != HERE), HERE]

from taskroles.commands.render import main  # noqa: E402

if __name__ == "__main__":
    os.chdir(HERE)
    sys.exit(main(sys.argv[1:]))
