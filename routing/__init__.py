"""Where a lead goes and when: workspaces, sources, leads, intake."""
