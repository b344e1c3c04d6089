"""Training of dreamnet: a recipe, pictures, one loop with an adversary in it, and the file that ships."""
