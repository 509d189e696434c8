"""How early and how rightly the analysis says that a run is dying, on labelled and on generated logs."""
