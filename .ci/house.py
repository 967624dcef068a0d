#!/usr/bin/env python3
"""How the house is built: the size of functions, lines and cells, measured by tokens, and which room imports which.

.ci/house.py [FOLDER]     print the table of sizes for a package (oplas by default)
"""
import ast, io, json, re, sys, tokenize
from pathlib import Path
from statistics import mean, median

root = Path(__file__).resolve().parent.parent
LAYOUT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT,
    tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER,
}
WIDTH = 120      # columns of a line of code
BOUNDS = {       # name in the table -> the most that is allowed
    'body tokens of a function, p90': 150,
    'functions over 300 tokens, %': 1.5,
    'tokens per line, mean': 11,
    'longest exported cell, lines': 60,
    f'lines over {WIDTH} columns': 0,
}
GENERATED = {'_modidx.py'}
WINGS = '', 'audio', 'paper'   # from the ground up: a wing imports from itself and from those before it
ROOFS = 'bench', 'demo', 'cli' # rooms that may import all others; of these, only the ones before them


def tokens(source):
    "The tokens of Python code, without comments and layout"
    return [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in LAYOUT]


def is_docstring(node):
    "Is a statement a string by itself?"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def span(nodes):
    "Where statements begin and end, as tokens tell it"
    return (nodes[0].lineno, nodes[0].col_offset), (nodes[-1].end_lineno, nodes[-1].end_col_offset)


def function_sizes(source):
    "Name and number of body tokens of each function, its docstring not counted"
    found = tokens(source)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)): continue
        body = node.body[is_docstring(node.body[0]):]
        if not body: continue
        start, end = span(body)
        yield node.name, sum(start <= t.start and t.end <= end for t in found)


def line_sizes(source):
    "Number of tokens of each line that holds some, docstrings not counted"
    silent = set()
    for node in ast.walk(ast.parse(source)):
        if is_docstring(node): silent.update(range(node.lineno, node.end_lineno + 1))
    counts = {}
    for t in tokens(source):
        if t.start[0] not in silent: counts[t.start[0]] = counts.get(t.start[0], 0) + 1
    return list(counts.values())


def modules(package):
    "The Python files of a package that people wrote"
    return [p for p in sorted(Path(package).rglob('*.py')) if p.name not in GENERATED]


def notebooks(folder=root/'nbs'):
    "The notebooks of a folder"
    return [p for p in sorted(Path(folder).rglob('*.ipynb')) if not any(part[0] in '._' for part in p.relative_to(folder).parts)]


def code_cells(path):
    "Sources of a notebook's code cells"
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    return [''.join(c['source']) for c in cells if c['cell_type'] == 'code']


def is_wide(line):
    "Is a line too long? As ruff has it, a pragma at its end does not count; nbdev writes the line of names"
    return len(line.split('  # type: ignore')[0]) > WIDTH and not line.startswith('__all__')



def exported(source): return re.search(r'^#\|\s*exporti?\b', source, re.M) is not None
def quantile(values, share): return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def sizes(package):
    "The table: name -> figure"
    sources = [p.read_text(encoding='utf-8') for p in modules(package)]
    functions = [n for s in sources for _, n in function_sizes(s)]
    lines = [n for s in sources for n in line_sizes(s)]
    return {
        'functions': len(functions),
        'body tokens of a function, median': median(functions),
        'body tokens of a function, p90': quantile(functions, .9),
        'functions over 300 tokens, %': round(100 * mean(n > 300 for n in functions), 2),
        'tokens per line, mean': round(mean(lines), 2),
        'tokens per line, p90': quantile(lines, .9),
        f'lines over {WIDTH} columns': sum(is_wide(line) for s in sources for line in s.splitlines()),
    }


def cell_sizes():
    "Lines of each exported cell, its directives not counted"
    return [len([line for line in source.splitlines() if not line.startswith('#|')])
            for p in notebooks() for source in code_cells(p) if exported(source)]


def table(package='oplas'):
    "The sizes of the package, and those of its exported cells"
    cells = cell_sizes()
    return sizes(root/package) | {
        'exported cell, median lines': median(cells),
        'longest exported cell, lines': max(cells),
    }


def shape():
    "Functions, lines and exported cells are short, measured by tokens (.ci/house.py prints the table)"
    found = table()
    for name, most in BOUNDS.items():
        if found[name] > most: yield f'{name}: {found[name]}, and at most {most} is allowed'
    for p in modules(root/'oplas'):
        for name, n in function_sizes(p.read_text(encoding='utf-8')):
            if n > 300 and found['functions over 300 tokens, %'] > BOUNDS['functions over 300 tokens, %']:
                yield f'{p.relative_to(root)}: {name} has {n} tokens'
    for p in notebooks():
        for source in code_cells(p):
            count = len([line for line in source.splitlines() if not line.startswith('#|')])
            if exported(source) and count > BOUNDS['longest exported cell, lines']:
                yield f'{p.relative_to(root)}: an exported cell has {count} lines: {source.splitlines()[1][:60]!r}'


def room(path):
    "The name of a module's file inside the package, such as audio.stems"
    return '.'.join(path.relative_to(root/'oplas').with_suffix('').parts)


def imports(path):
    "Rooms that a module imports, anywhere in it"
    here = room(path).split('.')
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (a.name.removeprefix('oplas.') for a in node.names if a.name.startswith('oplas.'))
        if not isinstance(node, ast.ImportFrom): continue
        base = here[:len(here) - node.level] if node.level else []
        name = '.'.join([*base, *(node.module or '').split('.')]).strip('.')
        if node.level or name.startswith('oplas'): yield name.removeprefix('oplas').strip('.')


def storeys():
    "Room -> where it stands: the wing, and its notebook's number there"
    found = {}
    for p in modules(root/'oplas'):
        source = re.search(r'File to edit: (\S+)\.ipynb', p.read_text(encoding='utf-8'))
        if not source: continue
        name = room(p)
        wing = name.rpartition('.')[0]
        number = re.match(r'(\d+)_', source[1].split('/')[-1])
        found[name] = (len(WINGS), ROOFS.index(name)) if name in ROOFS else (WINGS.index(wing), int(number[1]) if number else 99)
    return found


def rooms():
    "A module imports only from rooms before it; the core imports no wing, sound not the paper, the command no drawing of the paper"
    where = storeys()
    for p in modules(root/'oplas'):
        name = room(p)
        if name not in where: continue
        for other in sorted(set(imports(p)) & set(where)):
            if where[other] >= where[name]: yield f'{name} imports {other}, which does not come before it'
            if name == 'cli' and other.startswith('paper.') and other != 'paper.reproduce':
                yield f'the command imports {other}: it may know of the paper that it can be reproduced, and no more'


def house_map():
    "The table in CONTRIBUTING.md names every notebook that makes a module, in the order of the rooms, and no other"
    text = (root/'CONTRIBUTING.md').read_text(encoding='utf-8')
    written = re.findall(r'^\| `nbs/([\w/]+)` \| `oplas\.([\w.]+)`', text, re.M)
    made = {}
    for p in modules(root/'oplas'):
        source = re.search(r'File to edit: (\S+)\.ipynb', p.read_text(encoding='utf-8'))
        if source: made[(p.parent/source[1]).resolve().relative_to(root/'nbs').as_posix()] = room(p)
    for notebook, name in sorted(made.items()):
        if (notebook, name) not in written: yield f'CONTRIBUTING.md: the table lacks nbs/{notebook} with oplas.{name}'
    for notebook, name in written:
        if made.get(notebook) != name: yield f'CONTRIBUTING.md: the table names nbs/{notebook} with oplas.{name}, which is not there'


def main():
    found = sizes(Path(sys.argv[1])) if len(sys.argv) > 1 else table()
    for name, value in found.items():
        bound = f'   (at most {BOUNDS[name]})' if name in BOUNDS else ''
        print(f'{name:38}{value:>8}{bound}')


if __name__ == '__main__': main()
