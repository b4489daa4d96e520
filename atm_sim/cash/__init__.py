"""Cash of many machines over weeks: what customers take, when guards come, what it costs. Pure; chance is passed in."""
