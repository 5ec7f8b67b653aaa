"""How fast this machine is, stage by stage, and how much of that is the models' own work: ``mien bench``."""
