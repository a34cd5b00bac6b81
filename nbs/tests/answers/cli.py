"Other answers to the exercises of the command line"

# %% 1 right
def one_line(text):
    import re
    return re.sub(r"\s+", " ", text).strip()

# %% 1 right
def one_line(text):
    words, word = [], ""
    for c in text + " ":
        if not c.isspace(): word += c
        elif word:
            words.append(word)
            word = ""
    return " ".join(words)

# %% 1 wrong: leaves one blank for each
def one_line(text):
    return text.replace("\n", " ").replace("\t", " ").replace("\r", " ").strip()

# %% 1 wrong: the line break is still there
def one_line(text):
    return text.strip()

# %% 1 wrong: two words became one
def one_line(text):
    return "".join(text.split())

# %% 1 wrong: blanks at the ends
def one_line(text):
    import re
    return re.sub(r"\s+", " ", text)

# %% 1 wrong: return a text
def one_line(text):
    return text.split()

# %% 1 wrong: more kinds of blank
def one_line(text):
    import re
    return re.sub("[ \t\r\n]+", " ", text).strip(" ")

# %% 2 right
def go_on(args):
    from shlex import quote
    line = "t2v"
    for word in args:
        if word == "--resume": continue
        line += " " + quote(word)
    return line + " --resume"

# %% 2 right
def go_on(args):
    rest = [word for word in args[1:] if word != "--resume"]
    return shlex.join(["t2v", args[0], "--resume"] + rest)

# %% 2 wrong: gets a second one
def go_on(args):
    return shlex.join(["t2v", *args, "--resume"])

# %% 2 wrong: makes two words
def go_on(args):
    return " ".join(["t2v", *(word for word in args if word != "--resume"), "--resume"])

# %% 2 wrong: it starts anew
def go_on(args):
    return shlex.join(["t2v", *args])

# %% 2 wrong: begins with t2v
def go_on(args):
    return shlex.join([*(word for word in args if word != "--resume"), "--resume"])

# %% 2 wrong: breaks your quotes
def go_on(args):
    return "t2v " + " ".join(f"'{word}'" if " " in word or "'" in word else word for word in args if word != "--resume") + " --resume"

# %% 2 wrong: return a line of text
def go_on(args):
    return ["t2v", *(word for word in args if word != "--resume"), "--resume"]

# %% 2 wrong: changed their order
def go_on(args):
    return shlex.join(["t2v", args[0], *sorted({*args[1:], "--resume"}, reverse=True)])

# %% 3 right
def can_be_written(path):
    from t2v_learn.video.containers import WRITERS
    if path.suffix.lower() not in WRITERS: return False
    if path.is_dir(): return False
    return path.parent.is_dir()

# %% 3 right
def can_be_written(path):
    "Try it beside"
    import tempfile
    from t2v_learn.video.containers import WRITERS
    if path.suffix.lower() not in WRITERS or path.is_dir(): return False
    try:
        with tempfile.TemporaryFile(dir=path.parent): return True
    except OSError: return False

# %% 3 wrong: no video ends in .doc
def can_be_written(path):
    return not path.is_dir() and path.parent.is_dir()

# %% 3 wrong: the folder must be there
def can_be_written(path):
    return path.suffix.lower() == ".gif" and not path.is_dir()

# %% 3 wrong: a folder may have a name
def can_be_written(path):
    return path.suffix.lower() == ".gif" and path.parent.is_dir()

# %% 3 wrong: an ending in capitals
def can_be_written(path):
    return path.suffix == ".gif" and path.parent.is_dir() and not path.is_dir()

# %% 3 wrong: leaves no file behind
def can_be_written(path):
    if path.suffix.lower() != ".gif": return False
    try: open(path, "ab").close()
    except OSError: return False
    return True

# %% 3 wrong: must not empty a file
def can_be_written(path):
    if path.suffix.lower() != ".gif": return False
    existed = path.exists()
    try: open(path, "wb").close()
    except OSError: return False
    if not existed: path.unlink()
    return True

# %% 3 wrong: may be replaced
def can_be_written(path):
    return path.suffix.lower() == ".gif" and path.parent.is_dir() and not path.exists()

# %% 3 wrong: has no ending
def can_be_written(path):
    return path.name.lower().endswith("gif") and path.parent.is_dir() and not path.is_dir()

# %% 3 wrong: is_dir, not exists
def can_be_written(path):
    return path.suffix.lower() == ".gif" and path.parent.exists() and not path.is_dir()
