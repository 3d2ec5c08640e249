"""crowd-kit's aggregators on votes of frames: `PYTHON crowd_kit.py votes.npz found.npz METHOD ITERATIONS`.

Runs by itself under a Python that has crowd-kit, which brings more than a gigabyte along; nothing of ours is imported.
"""

import math
import sys
import time

import numpy as np
import pandas as pd


def main(votes_file: str, found_file: str, method: str, iterations: int) -> None:
    from crowdkit.aggregation import GLAD, MACE, DawidSkene, OneCoinDawidSkene

    votes = np.load(votes_file)
    table = pd.DataFrame({name: votes[name] for name in ("task", "worker", "label")})
    # Without a tolerance, so that all iterations are done: with 0, Dawid-Skene stops where its loss no longer changes.
    aggregator = {
        "DawidSkene": lambda: DawidSkene(n_iter=iterations, tol=-math.inf),
        "OneCoin": lambda: OneCoinDawidSkene(n_iter=iterations, tol=-math.inf),
        "MACE": lambda: MACE(n_iter=iterations, n_restarts=1, random_state=0),
        "GLAD": lambda: GLAD(n_iter=iterations),
    }[method]()
    before, before_cpu = time.perf_counter(), time.process_time()
    probability = aggregator.fit_predict_proba(table)
    seconds, cpu = time.perf_counter() - before, time.process_time() - before_cpu
    on = probability[1].reindex(np.unique(votes["task"])).to_numpy()
    workers = np.unique(votes["worker"])
    if method == "DawidSkene":
        # Rows are (worker, what they said), columns what is true; what a worker never said has no row.
        said = aggregator.errors_.reindex(pd.MultiIndex.from_product([workers, [0, 1]]), fill_value=0.0)
        right = [said.loc[(who, 1), 1] + said.loc[(who, 0), 0] for who in workers]
    elif method == "MACE":  # in order of appearance: the chance that the worker knows
        right = pd.Series(aggregator.spamming_[:, 1], pd.factorize(table["worker"])[1])[workers]
    else:
        right = (aggregator.alphas_ if method == "GLAD" else aggregator.skills_)[workers]
    done = len(getattr(aggregator, "loss_history_", ())) or iterations
    np.savez(found_file, on=on, right=np.asarray(right, dtype=float), iterations=done, seconds=seconds, cpu=cpu)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
