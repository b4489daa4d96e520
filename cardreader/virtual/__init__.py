"""Cards that are programs: made from a profile, with keys handed in, in this process or behind the vpcd reader."""
