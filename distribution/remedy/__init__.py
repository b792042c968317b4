"""What would have to change for one buyer to get one lead, checked by the engine. Pure: values in, values out."""

from distribution.remedy.assess import Assessment, Ending, NotEnrolled, assess
from distribution.remedy.fixes import Fixed
from distribution.remedy.lifts import Lift

__all__ = ["Assessment", "Ending", "Fixed", "Lift", "NotEnrolled", "assess"]
