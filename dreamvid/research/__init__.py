"""Study networks and train them; no render imports anything from here."""
