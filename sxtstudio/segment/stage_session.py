"""Sessions for the stages of a network: many small ones on the CPU, with one pool of memory for all.

With a pool of its own each session keeps what its largest tile needed: at base width 64 they add up to
more than twice the memory of the common pool.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sxtstudio.segment.runtime import ort


def open_stage(content: bytes, *, blocks: bool) -> ort.InferenceSession:
    """Open a single-threaded session on the CPU; tiles run beside each other, not their parts.

    With ``blocks`` onnxruntime may reorder channels into blocks that suit the processor.
    """
    _common_pool()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Memory patterns would be kept for each size of a tile.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    if not blocks:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.add_session_config_entry("session.use_env_allocators", "1")
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)


def shrink_pool(session: Any, feeds: dict[str, Any]) -> None:
    """Give the free memory of the common pool back; onnxruntime does so only at the end of a run."""
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    session.run(None, feeds, options)


@cache
def _common_pool() -> None:
    """Make the pool, once in the life of a process; onnxruntime keeps it."""
    info = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(info, ort.OrtArenaCfg({}))
