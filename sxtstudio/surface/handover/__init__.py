"""Meshes for other programs: GLB, STL, PLY, OBJ and VTP, in one file, one per class or one per object."""
