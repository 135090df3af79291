"""How many workers a course needs: a simulation of the hours before a deadline, with measured times.

* `arrivals.py`    when submissions come
* `simulation.py`  a queue before workers that can die
* `advice.py`      the fewest workers with which feedback is in time
"""
