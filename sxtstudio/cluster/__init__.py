"""Many machines for one batch: dask's scheduler and workers, here, in a queue or at an address.

``profile`` says which machines, ``machines`` gets them, ``runner`` gives them the jobs of a batch, and
``worker`` is what runs on each.
"""
