"""Who gets a lead and how much it costs: campaigns, buyers, credits, the decision engine."""
