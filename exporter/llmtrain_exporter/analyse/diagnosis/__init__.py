"""Why a run is as it is, and what to do about it, from what its records show."""

from llmtrain_exporter.analyse.diagnosis.diagnosing import diagnose, lost_gpu_hours

__all__ = ["diagnose", "lost_gpu_hours"]
