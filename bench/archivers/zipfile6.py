"""Packs a directory with Python's zipfile, deflate at level 6: zipfile6.py OUTPUT DIRECTORY"""

import os
import sys
import zipfile

output, root = sys.argv[1:]
with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            archive.write(path, os.path.relpath(path, root))
