"""What the three hubs have in common: people, roles, services, profiles. Names no machine and no folder."""
