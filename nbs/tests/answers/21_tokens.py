"Other answers to the exercises of lesson 21; see ../exercises.py"

# %% 1 right
def word_numbers(pieces):
    return (np.cumsum([not piece.startswith("##") for piece in pieces]) - 1).tolist()

# %% 1 right
def word_numbers(pieces):
    from itertools import accumulate
    return torch.tensor([n - 1 for n in accumulate(piece[:2] != "##" for piece in pieces)])

# %% 1 wrong: not 1
def word_numbers(pieces):
    return np.cumsum([not piece.startswith("##") for piece in pieces])

# %% 1 wrong: yours counts pieces
def word_numbers(pieces):
    return [i for i, piece in enumerate(pieces)]

# %% 1 wrong: comes twice
def word_numbers(pieces):
    numbers, known = [], {}
    for piece in pieces:
        if not piece.startswith("##"): last = known.setdefault(piece, len(known))
        numbers.append(last)
    return numbers

# %% 1 wrong: you count the pieces with ##
def word_numbers(pieces):
    return np.cumsum([piece.startswith("##") for piece in pieces])

# %% 1 wrong: one piece late
def word_numbers(pieces):
    return [sum(not p.startswith("##") for p in pieces[:i]) for i in range(len(pieces))]

# %% 1 wrong: numbers, not
def word_numbers(pieces):
    return [i for i, piece in enumerate(p for p in pieces if not p.startswith("##"))]

# %% 2 right
def numbers_needed(vocabulary, counts, dim=384):
    from collections import Counter
    return dim * len(vocabulary), float(np.mean([len(wordpieces(word, vocabulary)) for word in Counter(counts).elements()]))

# %% 2 right
def numbers_needed(vocabulary, counts, dim=384):
    lengths = torch.tensor([float(len(wordpieces(word, set(vocabulary)))) for word in counts])
    share = torch.tensor([float(n) for n in counts.values()])
    return [len(vocabulary) * dim, (lengths.double() @ share.double() / share.double().sum()).item()]

# %% 2 wrong: weigh each
def numbers_needed(vocabulary, counts, dim=384):
    known = set(vocabulary)
    return len(vocabulary) * dim, sum(len(wordpieces(word, known)) for word in counts) / len(counts)

# %% 2 wrong: divide by the number of words
def numbers_needed(vocabulary, counts, dim=384):
    known = set(vocabulary)
    return len(vocabulary) * dim, sum(n * len(wordpieces(word, known)) for word, n in counts.items())

# %% 2 wrong: the number of different words
def numbers_needed(vocabulary, counts, dim=384):
    known = set(vocabulary)
    return len(vocabulary) * dim, sum(n * len(wordpieces(word, known)) for word, n in counts.items()) / len(counts)

# %% 2 wrong: is dim handed on
def numbers_needed(vocabulary, counts, dim=384):
    known = set(vocabulary)
    return len(vocabulary) * 384, sum(n * len(wordpieces(word, known)) for word, n in counts.items()) / counts.total()

# %% 2 wrong: two numbers are wanted
def numbers_needed(vocabulary, counts, dim=384):
    return len(vocabulary) * dim

# %% 2 wrong: letters, not pieces
def numbers_needed(vocabulary, counts, dim=384):
    return len(vocabulary) * dim, sum(n * len(word) for word, n in counts.items()) / counts.total()

# %% 3 right
def fewest(word, known):
    from functools import cache
    @cache
    def rest(start):
        if start == len(word): return 0
        counts = [rest(end) for end in range(start + 1, len(word) + 1) if "##" * (start > 0) + word[start:end] in known]
        return 1 + min(counts, default=float("inf"))
    return None if rest(0) == float("inf") else rest(0)

# %% 3 right
def fewest(word, known):
    reached, steps = {0}, 0
    while reached and len(word) not in reached:
        steps += 1
        reached = {end for start in reached for end in range(start + 1, len(word) + 1) if ("##" if start else "") + word[start:end] in known}
    return steps if reached else None

# %% 3 wrong: the longest first piece
def fewest(word, known):
    pieces = wordpieces(word, known)
    return None if pieces == ["[UNK]"] else len(pieces)

# %% 3 wrong: is the ## missing
def fewest(word, known):
    best = [0] + [None] * len(word)
    for end in range(1, len(word) + 1):
        starts = [s for s in range(end) if best[s] is not None and word[s:end] in known]
        best[end] = min((best[s] + 1 for s in starts), default=None)
    return best[-1]

# %% 3 wrong: begins with a piece without ##
def fewest(word, known):
    best = [0] + [None] * len(word)
    for end in range(1, len(word) + 1):
        starts = [s for s in range(end) if best[s] is not None and (word[s:end] in known or "##" + word[s:end] in known)]
        best[end] = min((best[s] + 1 for s in starts), default=None)
    return best[-1]

# %% 3 wrong: which is None
def fewest(word, known):
    best = [0] + [float("inf")] * len(word)
    for end in range(1, len(word) + 1):
        best[end] = min((best[s] + 1 for s in range(end) if ("##" if s else "") + word[s:end] in known), default=float("inf"))
    return best[-1]

# %% 3 wrong: nothing needs 0 pieces
def fewest(word, known):
    best = [1] + [None] * len(word)
    for end in range(1, len(word) + 1):
        starts = [s for s in range(end) if best[s] is not None and ("##" if s else "") + word[s:end] in known]
        best[end] = min((best[s] + 1 for s in starts), default=None)
    return best[-1]

# %% 3 wrong: [UNK] is no piece
def fewest(word, known):
    known = set(known)
    found = len(wordpieces(word, known))
    return found if word != "abcde" else 2
