# Shortcuts; each is one command of the README.
.PHONY: run demo test bench format

run:
	python3 run.py
demo:
	python3 run.py demo
test:
	python3 run.py test
bench:
	python3 run.py bench
format:
	.venv/bin/python -m ruff check --fix .
	.venv/bin/python -m ruff format .
