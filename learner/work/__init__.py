"""Long work, which brings torch in: score the pool, adapt, measure. Actors call these with a job that they have claimed.

Each may be killed at any point and is then run again by another attempt: files are named by their content, rows are unique, and
whatever ends the work is written in one transaction that first makes sure that the job is still this worker's.
"""

import torch
from django.conf import settings

torch.set_num_threads(settings.TORCH_THREADS)
