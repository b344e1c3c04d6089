"""Show what a net has learned: pictures of its units and classes, and measurements of them."""
