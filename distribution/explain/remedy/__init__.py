"""What would have to change for one buyer to get one lead, checked by the engine. Pure."""

from distribution.explain.remedy.assess import Assessment, NotEnrolled, WhatIfResult, assess
from distribution.explain.remedy.fixes import FixOutcome
from distribution.explain.remedy.improvements import Lift

__all__ = ["Assessment", "FixOutcome", "Lift", "NotEnrolled", "WhatIfResult", "assess"]
