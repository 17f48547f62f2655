def run(state, command):
    raise RuntimeError("not written")
