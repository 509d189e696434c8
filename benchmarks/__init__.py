"""Speed and memory beside real peers and physical floors: ratios, measured in one run on one machine."""
