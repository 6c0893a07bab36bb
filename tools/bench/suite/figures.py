"""Medians and paired ratios of results."""
import statistics


def values(record, contender, figure):
    return [run[figure] for run in record["contenders"].get(contender, {"runs": []})["runs"] if figure in run]


def median(record, contender, figure):
    found = values(record, contender, figure)
    return statistics.median(found) if found else None


def ratio(record, other, figure, first="eddy"):
    """(median, least, most) of the ratios of the first contender to another in the same rounds, or None."""
    def by_round(contender):
        runs = record["contenders"].get(contender, {"runs": []})["runs"]
        return {run["round"]: run[figure] for run in runs if figure in run}
    mine, theirs = by_round(first), by_round(other)
    ratios = [mine[r] / theirs[r] for r in sorted(mine) if theirs.get(r)]
    return (statistics.median(ratios), min(ratios), max(ratios)) if ratios else None
