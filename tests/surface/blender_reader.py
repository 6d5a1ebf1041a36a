"""Runs within Blender: imports a file and prints what is there then, as JSON."""

import json
import sys

import bpy
import numpy

# Blender 3.4's importer of glTF knows names that NumPy has taken away since.
for name in ("bool", "int", "float", "object"):
    if name not in vars(numpy):
        vars(numpy)[name] = __builtins__[name] if isinstance(__builtins__, dict) else vars(__builtins__)[name]

path = sys.argv[sys.argv.index("--") + 1]
bpy.ops.wm.read_factory_settings(use_empty=True)
importers = {
    "glb": bpy.ops.import_scene.gltf,
    "obj": bpy.ops.wm.obj_import,
    "ply": bpy.ops.import_mesh.ply,
    "stl": bpy.ops.import_mesh.stl,
}
importers[path.rpartition(".")[2]](filepath=path)
found = {}
for item in bpy.data.objects:
    found[item.name] = told = {"parent": item.parent.name if item.parent else ""}
    if item.type != "MESH":
        continue
    points = [item.matrix_world @ vertex.co for vertex in item.data.vertices]
    told["low"], told["high"] = ([by(p[axis] for p in points) for axis in range(3)] for by in (min, max))
    told["volume"] = sum(
        points[a].dot(points[b].cross(points[c])) / 6 for a, b, c in (f.vertices for f in item.data.polygons)
    )
    told["smooth"] = all(face.use_smooth for face in item.data.polygons)
    for material in item.data.materials:
        told["material"] = material.name
        nodes = [node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"]
        told["colour"] = list(nodes[0].inputs["Base Color"].default_value)[:3]
print("FOUND " + json.dumps(found))
