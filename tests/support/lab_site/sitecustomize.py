"""Python imports this by itself where its folder is on PYTHONPATH: so a Ray node's processes know the test engines."""

import lab_engines

lab_engines.register()
