"""The parts of a function's translation, tied together."""

from .access import Access
from .assignments import Assignments
from .calls import Calls
from .conditions import Conditions
from .context import FunctionContext
from .expressions import Expressions
from .initialisers import Initialisers
from .statements import Statements


class Translator:
    """Translates within one `context`. Every part reaches the others through this object."""

    def __init__(self, context: FunctionContext) -> None:
        self.context = context
        self.access = Access(context)
        self.expressions = Expressions(self)
        self.conditions = Conditions(self)
        self.calls = Calls(self)
        self.assignments = Assignments(self)
        self.initialisers = Initialisers(self)
        self.statements = Statements(self)
