"""Writers of the story's blocks, one for each kind of output. They escape all texts, and decide nothing."""
