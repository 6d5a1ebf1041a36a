"""File-to-file jobs: what a command or a button does from the input to the verified output.

Import the module of a job (``segmenting``, ``cleaning``, ``surfacing``, ``inspecting``, ``demo``)
where it is needed: each loads only the libraries of its own steps.
"""
