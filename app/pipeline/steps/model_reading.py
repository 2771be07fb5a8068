"""Further readers of an invoice: language models, where an operator has named some."""

from app.core.quantities import count
from app.core.reading import Task
from app.pipeline.steps.work import Found, Said, Work


class ModelsRead(Work):
    """Runs in the server, since workers have no network. Mostly there is nobody to ask."""

    key = "model_reading"

    def opening(self, task: Task) -> Said:
        models = len(task["options"].get("models") or ())
        return Said(self.key, {"models": models}) if models else Said("models_none")

    def closing(self, task: Task, found: Found) -> Said:
        answered = len(found["readings"])
        models = len(task["options"].get("models") or ())
        if not answered:
            return Said("models_none")
        return Said("models_read", {"answered": answered, "models": models})

    def summary(self, task: Task, found: Found) -> str:
        answered = len(found["readings"])
        return count(answered, "further reader") if answered else ""
