"""The answer cell of a written question: what the student reads, then the part that the release hides.

nbgrader wants mark schemes in task cells, which have no place for an answer, so the scheme goes inside the
solution marks: out of the release like the model answer, and in the source notebook for who marks.
"""

from autograder.build.solution import BEGIN, END

BEGIN_SCHEME, END_SCHEME = "BEGIN MARK SCHEME", "END MARK SCHEME"


def answer_cell_text(source: str) -> str:
    """The authored text, with model answer and mark scheme moved into one solution region at its end.

    Raises: ValueError where a mark has no partner.
    """
    shown, answer, scheme = [], [], []
    in_answer = in_scheme = False
    for line in source.splitlines():
        if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
            in_answer = _switched(in_answer, "BEGIN" in line, line)
        elif BEGIN_SCHEME in line or END_SCHEME in line:
            in_scheme = _switched(in_scheme, BEGIN_SCHEME in line, line)
            scheme.append(line)
        else:
            (scheme if in_scheme else answer if in_answer else shown).append(line)
    if in_answer or in_scheme:
        raise ValueError(f"no END {'SOLUTION' if in_answer else 'MARK SCHEME'} for the BEGIN.")
    prompt = "\n".join(shown).strip()
    gap = [""] if answer and scheme else []
    return "\n".join([*([prompt, ""] if prompt else []), BEGIN, *answer, *gap, *scheme, END])


def _switched(inside, begins, line):
    if inside == begins:
        raise ValueError(f"{line.strip()!r} stands where {'the END' if begins else 'a BEGIN'} is due.")
    return begins
