"""How long a recipe trains on a corpus so small that its epochs are few steps."""


def raise_epochs(epochs: int, items: int, batch: int, min_steps: int) -> int:
    """Count the epochs of a recipe.

    epochs (int): The recipe's own.
    items (int): How many sentences the corpus has.
    batch (int): How many of them make a step of the optimizer.
    min_steps (int): The least number of steps; 0 for the recipe as it is.
    RETURNS (int): At least `epochs`.
    """
    steps = -(-items // batch)
    return max(epochs, -(-min_steps // max(1, steps)))
