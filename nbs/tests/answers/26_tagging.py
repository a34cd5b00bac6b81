"Other answers to the exercises of lesson 26; see ../exercises.py"

# %% 1 right
def wishes(prompt):
    asked = understand(prompt)
    lines = []
    for actor in asked["actors"]: lines.append("a {color} {shape}: {motion}".format(**actor))
    background = asked.get("background")
    return lines + ([] if background is None else ["on " + background])

# %% 1 right
def wishes(prompt):
    asked = dict(understand(prompt))
    actors = asked.pop("actors")
    return tuple(f"a {a['color']} {a['shape']}: {a['motion']}" for a in actors) + tuple(f"on {value}" for value in asked.values())

# %% 1 wrong: names no background
def wishes(prompt):
    asked = understand(prompt)
    return [f"a {a['color']} {a['shape']}: {a['motion']}" for a in asked["actors"]] + [f"on {asked.get('background')}"]

# %% 1 wrong: does not say it
def wishes(prompt):
    return [f"a {a['color']} {a['shape']}: {a['motion']}" for a in understand(prompt)["actors"]]

# %% 1 wrong: for the first alone
def wishes(prompt):
    asked = understand(prompt)
    a = asked["actors"][0]
    return [f"a {a['color']} {a['shape']}: {a['motion']}"] + [f"on {asked[k]}" for k in asked if k == "background"]

# %% 1 wrong: in another form
def wishes(prompt):
    asked = understand(prompt)
    return [f"a {a['shape']} {a['color']}: {a['motion']}" for a in asked["actors"]] + [f"on {asked[k]}" for k in asked if k == "background"]

# %% 1 wrong: the background last
def wishes(prompt):
    asked = understand(prompt)
    return [f"on {asked[k]}" for k in asked if k == "background"] + [f"a {a['color']} {a['shape']}: {a['motion']}" for a in asked["actors"]]

# %% 1 wrong: a list of texts
def wishes(prompt):
    asked = understand(prompt)
    return ", ".join(f"a {a['color']} {a['shape']}: {a['motion']}" for a in asked["actors"])

# %% 2 right
def poorer(words, i):
    padded = ["-", *words, "-"]
    return {f"- {padded[i]}", f"= {padded[i + 1]}", f"+ {padded[i + 2]}"}

# %% 2 right
def poorer(words, i):
    return [f for f in _features(words, i) if f.startswith(("is ", "before ", "after ")) and " ends " not in f]

# %% 2 wrong: No neighbour is looked at
def poorer(words, i):
    return [f"is {words[i]}", f"ends {words[i][-2:]}"]

# %% 2 wrong: cannot be told apart
def poorer(words, i):
    return [words[i], words[i - 1] if i else "-", words[i + 1] if i + 1 < len(words) else "-"]

# %% 2 wrong: The word after is not
def poorer(words, i):
    return [f"is {words[i]}", f"before {words[i - 1] if i else '-'}"]

# %% 2 wrong: The word before is not
def poorer(words, i):
    return [f"is {words[i]}", f"after {words[i + 1] if i + 1 < len(words) else '-'}"]

# %% 2 wrong: three at most
def poorer(words, i):
    return _features(words, i)

# %% 2 wrong: glued into one string
def poorer(words, i):
    padded = ["-", *words, "-"]
    return [f"is {words[i]}", f"between {padded[i]} {padded[i + 2]}"]

# %% 2 wrong: a list of strings
def poorer(words, i):
    return words[i]

# %% 3 right
def best_path(scores, tags):
    total, back = [score if tag[0] != "I" else -math.inf for tag, score in zip(tags, scores[0])], []
    for row in scores[1:]:
        came = [max((k for k in range(len(tags)) if tag[0] != "I" or tags[k][2:] == tag[2:]), key=total.__getitem__) for tag in tags]
        back.append(came)
        total = [total[k] + score for k, score in zip(came, row)]
    at = max(range(len(tags)), key=total.__getitem__)
    path = [at]
    for came in reversed(back): path.append(came[path[-1]])
    return [tags[k] for k in reversed(path)]

import math

# %% 3 right
def best_path(scores, tags):
    allowed = np.array([[0. if tag[0] != "I" or last[1:] == tag[1:] else -np.inf for tag in tags] for last in tags])
    total = np.array(scores[0]) + [0 if tag[0] != "I" else -np.inf for tag in tags]
    paths = [[tag] for tag in tags]
    for row in scores[1:]:
        reach = total[:, None] + allowed
        paths = [paths[k] + [tag] for k, tag in zip(reach.argmax(0), tags)]
        total = reach.max(0) + row
    return paths[int(total.argmax())]

# %% 3 wrong: each word alone
def best_path(scores, tags):
    return [tags[int(np.argmax(row))] for row in scores]

# %% 3 wrong: the best tag that is allowed *now*
def best_path(scores, tags):
    path, last = [], ""
    for row in scores:
        free = [k for k, tag in enumerate(tags) if tag[0] != "I" or last[2:] == tag[2:]]
        path.append(tags[max(free, key=row.__getitem__)])
        last = path[-1]
    return path

# %% 3 wrong: may begin with an I
def best_path(scores, tags):
    total = list(scores[0])
    paths = [[tag] for tag in tags]
    for row in scores[1:]:
        came = [max((k for k in range(len(tags)) if tag[0] != "I" or tags[k][2:] == tag[2:]), key=total.__getitem__) for tag in tags]
        paths = [paths[k] + [tag] for k, tag in zip(came, tags)]
        total = [total[k] + score for k, score in zip(came, row)]
    return paths[int(np.argmax(total))]

# %% 3 wrong: chosen together
def best_path(scores, tags):
    alone = [tags[int(np.argmax(row))] for row in scores]
    return [tag if tag[0] != "I" or (i and alone[i - 1][2:] == tag[2:]) else "O" for i, tag in enumerate(alone)]

# %% 3 wrong: the smallest sum
def best_path(scores, tags):
    from itertools import product
    def legal(row): return all(tag[0] != "I" or last[2:] == tag[2:] for last, tag in zip(("", *row), row))
    rows = [row for row in product(tags, repeat=len(scores)) if legal(row)]
    return min(rows, key=lambda row: sum(scores[i][tags.index(tag)] for i, tag in enumerate(row)))

# %% 3 wrong: follows another name
def best_path(scores, tags):
    total = [score if tag[0] != "I" else -1e9 for tag, score in zip(tags, scores[0])]
    paths = [[tag] for tag in tags]
    for row in scores[1:]:
        came = [max((k for k in range(len(tags)) if tag[0] != "I" or tags[k][0] != "O"), key=total.__getitem__) for tag in tags]
        paths = [paths[k] + [tag] for k, tag in zip(came, tags)]
        total = [total[k] + score for k, score in zip(came, row)]
    return paths[int(np.argmax(total))]
