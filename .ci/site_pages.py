#!/usr/bin/env python3
"""What the site needs of its pages, checked without Quarto: one function a rule, each of which is tried on a planted fault.

.ci/site_pages.py     try every rule on a page with the fault that it is for, and on a page without
"""
import ast, json, re, sys
from pathlib import Path

import yaml

PAGE_WIDTH = 100   # columns of code that a page shows
DIGITS = 6         # of a number that a page shows
WALL, LONG = 5, 45  # asserts and lines of a cell that is shown unfolded
DPI = 72           # of a figure
HIDDEN = re.compile(r'^#\|\s*(hide\b|hide_input\b|include:\s*false|echo:\s*false)', re.M)
SILENT = re.compile(r'^#\|\s*(hide\b|include:\s*false)', re.M)
FOLDED = re.compile(r'^#\|\s*code-fold:\s*true', re.M)
EXPORTED = re.compile(r'^#\|\s*export(i|s)?\b', re.M)
DIRECTIVES = {   # nbdev's own, which it takes out before Quarto sees the page
    'export', 'exporti', 'exports', 'hide', 'hide_input', 'hide_output', 'default_exp', 'filter_stream',
    'hide_line', 'cuda', 'slow', 'collapse_input', 'collapse_output',
}
SHOWN = {'text/plain', 'text/html', 'text/markdown', 'text/latex', 'image/png', 'image/svg+xml', 'image/jpeg'}
OBJECT = re.compile(r'^<[\w.]+( object)?( at 0x[0-9a-f]+)?.*>$')
PLACEHOLDER = 'OWNER'


def source_of(cell): return ''.join(cell['source'])
def code_cells(nb): return [(i, c, source_of(c)) for i, c in enumerate(nb['cells']) if c['cell_type'] == 'code']
def prose(nb): return [(i, source_of(c)) for i, c in enumerate(nb['cells']) if c['cell_type'] == 'markdown']
def is_shown(source): return not HIDDEN.search(source) and not EXPORTED.search(source) and 'google.colab' not in source


def options(nb):
    "Every option of a cell is YAML, or a directive of nbdev's"
    for i, _, source in code_cells(nb):
        lines = [line[2:].strip() for line in source.splitlines() if re.match(r'#\|', line)]
        for line in lines:
            if ':' not in line:
                if line.split()[0] not in DIRECTIVES: yield f'cell {i}: {line!r} is neither an option nor a directive'
                continue
            if line.split()[0] in DIRECTIVES: continue
            try: value = yaml.safe_load(line)
            except yaml.YAMLError as e:
                yield f'cell {i}: {line[:50]!r} is not YAML ({e.problem}); put its value in quotes'
                continue
            if not isinstance(value, dict): yield f'cell {i}: {line[:50]!r} is no option: expected name: value'
            elif line.startswith('fig-alt:') and line[8:].strip()[0] not in '"\'[':
                yield f'cell {i}: put the words of fig-alt in quotes'
            elif line.startswith('fig-alt:') and '%' in line:
                yield f'cell {i}: Quarto takes % in fig-alt for a code; write percent'


def outputs(nb):
    "Every output is of a kind that Quarto shows"
    for i, cell, source in code_cells(nb):
        if SILENT.search(source): continue
        for output in cell.get('outputs', []):
            data = output.get('data', {})
            if not data: continue
            if strange := set(data) - SHOWN - {'application/json', 'application/javascript'}:
                yield f'cell {i}: Quarto shows no {", ".join(sorted(strange))}; make HTML of it'
            plain = ''.join(data.get('text/plain', '')).strip()
            if set(data) == {'text/plain'} and OBJECT.match(plain): yield f'cell {i}: shows {plain[:60]}, an object without a picture'


def links(nb):
    "No link has a name in backticks in it, which nbdev would link a second time"
    for i, text in prose(nb):
        for found in re.findall(r'(?<!!)\[([^\[\]]*`[^\[\]]*)\]\([^)]*\)', text):
            yield f'cell {i}: a link with a name in backticks, [{found}]; write the name without them'


def lines(nb):
    "No line of code on a page is too wide for it"
    for i, _, source in code_cells(nb):
        if not is_shown(source): continue
        for line in source.splitlines():
            if len(line) > PAGE_WIDTH and not line.startswith('#|'):
                yield f'cell {i}: a line of {len(line)} columns, {PAGE_WIDTH} fit: {line.strip()[:50]!r}'


def players(nb):
    "Every player says what it plays"
    for i, cell, source in code_cells(nb):
        if SILENT.search(source): continue
        for output in cell.get('outputs', []):
            html = ''.join(output.get('data', {}).get('text/html', ''))
            for player in re.finditer(r'<audio', html):
                near = html[max(0, player.start() - 300):player.start()]
                words = re.sub(r'<[^>]*>|base64,\S*', ' ', near).strip()
                tag = html[player.start():player.start() + 200].split('>')[0]
                if not words and 'aria-label' not in tag: yield f'cell {i}: a player without a label'


def words_of(output):
    "What a reader sees of an output, without tags, scripts and embedded pictures and sounds"
    data = output.get('data', {})
    html = re.sub(r'<(style|script|svg|video|audio)\b.*?</\1>|<[^>]*>', ' ', ''.join(data.get('text/html', '')), flags=re.S)
    plain = ''.join(data.get('text/plain', '')) * ('text/html' not in data)
    return '\n'.join([''.join(output.get('text', '')), plain, html, ''.join(data.get('text/markdown', ''))])


def digits(nb):
    "No shown number has more digits than anybody reads"
    long = re.compile(rf'(?<![\w.])\d*\.\d{{{DIGITS + 1},}}(?:e[-+]?\d+)?(?![\w.])')
    for i, cell, source in code_cells(nb):
        if SILENT.search(source): continue
        for output in cell.get('outputs', []):
            if found := long.search(words_of(output)):
                yield f'cell {i}: shows {found[0]}; round it to {DIGITS} digits at most'


def beginning(nb):
    "The first code that a page shows is not a block of imports"
    for i, _, source in code_cells(nb):
        if not is_shown(source) or FOLDED.search(source) or not source.strip(): continue
        try: body = ast.parse(re.sub(r'^\s*[%!].*$', '', source, flags=re.M)).body
        except SyntaxError: return
        if body and all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in body):
            yield f'cell {i}: the page begins with imports: fold or hide them'
        return


def imports(nb):
    "Imports stand in cells of their own: nbdev runs every cell with one, and no other, when it builds a page with entries"
    has_entries = any(EXPORTED.search(source) or 'show_doc(' in source for _, _, source in code_cells(nb))
    for i, _, source in code_cells(nb):
        if EXPORTED.search(source) or re.search(r'google\.colab|nbdev_export\(\)|^#\|\s*eval:\s*false', source, re.M): continue
        try: tree = ast.parse(re.sub(r'^\s*[%!].*$', '', source, flags=re.M))
        except SyntaxError: continue
        nodes = [*(ast.walk(tree) if has_entries else tree.body)]
        inside = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
        if inside and any(isinstance(node, (ast.Expr, ast.Assign)) for node in nodes):
            yield f'cell {i}: {ast.unparse(inside[0])!r} among other code; move it to a cell of imports'


def folds(nb):
    "A folded cell says what is in it, and a wall of asserts or of code is folded"
    for i, _, source in code_cells(nb):
        if not is_shown(source): continue
        if FOLDED.search(source):
            if 'code-summary:' not in source: yield f'cell {i}: is folded without a `#| code-summary: "…"`'
            continue
        asserts, length = len(re.findall(r'\bassert\b|\btest_(?:fail|eq)\(', source)), len(source.splitlines())
        if asserts >= WALL or length > LONG:
            yield f'cell {i}: {asserts} asserts in {length} lines; fold it (`#| code-fold: true`) or hide it'


def sharp(nb):
    "Figures have enough dots that their letters can be read"
    for i, _, source in code_cells(nb):
        for dpi in re.findall(r"(?:figure\.dpi'\] = |subplots\([^\n]*dpi=)(\d+)", source):
            if int(dpi) < DPI: yield f'cell {i}: figures of {dpi} dots per inch; {DPI} or more can be read'


def films(nb):
    "A moving picture can be held, and rests for readers who want no motion: oplas.viz.Film makes it so"
    for i, cell, source in code_cells(nb):
        if SILENT.search(source): continue
        for output in cell.get('outputs', []):
            html = ''.join(output.get('data', {}).get('text/html', ''))
            if 'image/gif;base64' in html and 'prefers-reduced-motion' not in html:
                yield f'cell {i}: a film that cannot be held; show it with oplas.viz.Film'


def alone(nb):
    "No output asks another site for anything"
    for i, cell, source in code_cells(nb):
        for output in [] if SILENT.search(source) else cell.get('outputs', []):
            html = ''.join(output.get('data', {}).get('text/html', ''))
            if found := re.search(r'(?:src|href)="https?://[^"]*\.(?:js|css|woff2?|png|svg|gif)[^"]*"', html):
                yield f'cell {i}: loads {found[0][:80]}; keep it in the output'


def headings(nb):
    "A heading stands on a line by itself, with an empty line after it"
    for i, text in prose(nb):
        for above, below in zip(text.splitlines(), text.splitlines()[1:]):
            if re.match(r'#{1,4} ', above) and below.strip(): yield f'cell {i}: no empty line after {above!r}'


def signatures(nb):
    "An entry of the Reference stands under its own name, with a signature that a reader can read"
    for i, cell, source in code_cells(nb):
        shown = re.search(r'^show_doc\((.*)\)', source, re.M)
        for text in [''.join(o.get('data', {}).get('text/markdown', '')) for o in cell.get('outputs', [])] if shown else []:
            named = re.findall(r'^### (.*)$', text, re.M)
            wanted = re.findall(r'[\w.]+', shown[1].split(', name=')[0])
            if named != wanted: yield f'cell {i}: the entry of {", ".join(wanted)} stands under {", ".join(named)}'
            for code in re.findall(r'```python\n(.*?)```', text, re.S):
                for bad in ('`', '](', 'NoneType', '__main__', ' instance: ', '*args, **kwargs\n', '<class', '<factory>'):
                    if bad in code: yield f'cell {i}: the signature of {shown[1]} holds {bad.strip()!r}'
                if (width := max(map(len, code.splitlines()), default=0)) > PAGE_WIDTH + 4:
                    yield f'cell {i}: the signature of {shown[1]} is {width} columns wide'


def alts(nb):
    "Every picture says what it shows: `#| fig-alt:` on top of a cell that draws, ![words](…) in markdown, alt=… in HTML"
    for i, source in prose(nb):
        if re.search(r'!\[\s*\]\(', source) or re.search(r'<img(?![^>]*\balt=)', source): yield f'cell {i}: a picture without words: {source[:60]!r}'
        for found in re.findall(r'^!\[[^\]]*\]\([^)]*\)(?!\{[^}]*fig-alt=)\s*$', source, re.M):   # its words become a caption, and the picture has none
            if 'badge' not in found: yield f'cell {i}: a picture without {{fig-alt="…"}} after it: {found[:60]!r}'
    for i, cell, source in code_cells(nb):
        if SILENT.search(source): continue
        shown = [(kind, ''.join(value)) for output in cell.get('outputs', []) for kind, value in output.get('data', {}).items()]
        for tag in re.findall(r'<img\b[^>]*>', ' '.join(text for kind, text in shown if kind == 'text/html')):
            words = re.search(r'\balt="([^"]*)"', tag)
            if not words or len(words[1].split()) < 3: yield f'cell {i}: a picture in HTML without alt words: {re.sub(r"base64,[^ ]*", "…", tag)[:80]}'
        if not any(kind.startswith('image/') or '<img' in text for kind, text in shown): continue
        said = re.search(r'^#\|\s*fig-alt:(.*)', source, re.M)
        try: words = yaml.safe_load(said[1]) if said else None
        except yaml.YAMLError as e: yield f'cell {i}: fig-alt is not YAML ({e}); put it in quotes'; continue
        if not words or not all(isinstance(o, str) and len(o.split()) > 2 for o in ([words] if isinstance(words, str) else words)):
            yield f'cell {i}: draws without `#| fig-alt: …`: {source.splitlines()[-1][:70]!r}'


def searched(places, names):
    "The search finds the entries of these names first, and then the pages that speak of them"
    found = [place['section'] for place in places[:len(names)]]
    if found != names: yield f'search: expected {", ".join(names)} first, got {", ".join(found)}'


RULES = options, outputs, links, lines, players, digits, beginning, imports, headings, folds, sharp, films, alone, alts


def entries(nb):
    "Names that a page of the Reference has an entry for: exported functions and classes, patched methods, show_doc"
    for _, _, source in code_cells(nb):
        if SILENT.search(source): continue
        if EXPORTED.search(source):
            for node in ast.parse(source).body:
                if isinstance(node, ast.ClassDef): yield node.name
                if isinstance(node, ast.FunctionDef): yield from (name + node.name for name in owners(node))
        yield from re.findall(r'show_doc\((\w+(?:\.\w+)*)', source)


def owners(function):
    "The classes that a method is patched into, each with a dot; [''] for a function"
    names = {getattr(d, 'id', getattr(getattr(d, 'func', None), 'id', '')) for d in function.decorator_list}
    first = [*function.args.posonlyargs, *function.args.args][:1]
    if not names & {'patch', 'patch_to'} or not first or first[0].annotation is None: return ['']
    return [name.strip() + '.' for name in ast.unparse(first[0].annotation).strip('\'"').split('|')]


def publishable(text):
    "No page names the placeholder of the public address"
    if re.search(rf'github\.com/{PLACEHOLDER}\b|\b{PLACEHOLDER}\.github\.io', text):
        yield f'the public address is still {PLACEHOLDER}: set `user` in settings.ini, then run .ci/check.py --mend'


def cell(source, **output):
    "A code cell, with one output if there is any"
    shown = [dict(output_type='display_data', data=output, metadata={})] if output else []
    return dict(cell_type='code', source=source, outputs=shown)


def shows(name, heading, code):
    "A cell that shows the entry of a name"
    return cell(f'show_doc({name})', **{'text/markdown': f'### {heading}\n\n```python\n{code}\n```\n\n*What it does.*'})


def text(source): return dict(cell_type='markdown', source=source)


DRAWN = {'image/png': 'R0'}
SAID = '#| fig-alt: "a ring of points"\n'
PLANTED = {   # rule -> a cell with the fault that it is for, and the same cell mended
    options: (cell('#| fig-alt: a ring: twelve points\nplot()'), cell('#| fig-alt: "a ring: twelve points"\nplot()')),
    outputs: (cell('animate()', **{'image/gif': 'R0', 'text/plain': '<Image>'}), cell('animate()', **{'text/html': '<img>'})),
    links: (dict(cell_type='markdown', source='See [`fit`](a.ipynb).'), dict(cell_type='markdown', source='See [fit](a.ipynb).')),
    lines: (cell('x = ' + '1 + ' * 30 + '1'), cell('x = 1')),
    players: (cell('play()', **{'text/html': '<audio controls>'}), cell('play()', **{'text/html': '<p>a note</p><audio controls>'})),
    digits: (cell('x', **{'text/plain': '7.062957669028723'}), cell('x', **{'text/plain': '7.063'})),
    beginning: (cell('import torch\nfrom oplas import rotate'), cell('#| code-fold: true\nimport torch')),
    imports: (cell('x = 1\nimport signal\nprint(x)'), cell('x = 1\nprint(x)')),
    folds: (cell('#| code-fold: true\nx = 1'), cell('#| code-fold: true\n#| code-summary: "A number"\nx = 1')),
    sharp: (cell("plt.rcParams['figure.dpi'] = 48"), cell("plt.rcParams['figure.dpi'] = 72")),
    films: (cell('x', **{'text/html': '<img src="data:image/gif;base64,R0">'}), cell('x', **{'text/html': '<img>'})),
    alone: (cell('x', **{'text/html': '<script src="https://cdn.plot.ly/p.min.js">'}), cell('x', **{'text/html': '<p>'})),
    alts: (cell('plot()', **DRAWN), cell(SAID + 'plot()', **DRAWN)),
    headings: (dict(cell_type='markdown', source='## Title\ntext'), dict(cell_type='markdown', source='## Title\n\ntext')),
}
MORE_PLANTED = [   # rule, another cell with a fault that it is for, and the same cell mended
    (options, cell('#| fig-alt: "half of a ring, 50% of it"\nplot()'), cell('#| fig-alt: "half of a ring, 50 percent of it"\nplot()')),
    (options, cell('#| fig-alt: a ring of points\nplot()'), cell('#| fig-alt: "a ring of points"\nplot()')),
    (options, cell('#| hidden\nplot()'), cell('#| hide\nplot()')),
    (options, cell('#| code-fold:true\nplot()'), cell('#| code-fold: true\nplot()')),
    (outputs, cell('x', **{'text/plain': '<Figure at 0x7f>'}), cell('x', **{'text/plain': 'a ring'})),
    (alts, text('![](ring.png){fig-alt="a ring of points"}'), text('![A ring](ring.png){fig-alt="a ring of points"}')),
    (alts, text('![A ring of points](ring.png)'), text('![A ring](ring.png){fig-alt="a ring of points"}')),   # a caption is no alt
    (alts, text('<img src="ring.png">'), text('<img src="ring.png" alt="a ring of points">')),
    (alts, cell('#| fig-alt: "ring"\nplot()', **DRAWN), cell(SAID + 'plot()', **DRAWN)),
    (alts, cell(SAID + 'x', **{'text/html': '<img src="r.png" alt="" width="9" height="9">'}), cell(SAID + 'x', **{'text/html': '<img src="r.png" alt="a ring of points" width="9">'})),
    (folds, cell('\n'.join(['assert x'] * WALL)), cell('#| code-fold: true\n#| code-summary: "Checks"\n' + '\n'.join(['assert x'] * WALL))),
    (folds, cell('\n'.join(['x = 1'] * (LONG + 1))), cell('\n'.join(['x = 1'] * LONG))),
]
PLACES = [dict(section='f'), dict(section=''), dict(section='A page')]   # an entry, the page it is on, another page
PLANTED_ENTRIES = [   # (an entry with a fault, the same mended)
    (shows('A.fit', 'fit', 'def fit()'), shows('A.fit', 'A.fit', 'def fit()')),
    (shows('f', 'f', 'def f(x, # as [`g`](g.html))'), shows('f', 'f', 'def f(x, # as g)')),
    (shows('f', 'f', 'def f(x:NoneType=None)'), shows('f', 'f', 'def f(x=None)')),
    (shows("['A.f', 'B.f']", "f']", 'list instance: '), shows('A.f', 'A.f', 'def f()')),
    (shows('A', 'A', 'A(\n    *args, **kwargs\n):'), shows('A', 'A', 'A(\n    x: int,\n)')),
    (shows('f', 'f', 'x' * 120), shows('f', 'f', 'x' * 99)),
]


def site_rules():
    "Every rule for pages finds the fault that it is for, and nothing on a page without"
    for rule, *pair in [(rule, *PLANTED[rule]) for rule in RULES] + MORE_PLANTED:
        bad, good = (list(rule(dict(cells=[c]))) for c in pair)
        if not bad: yield f'{rule.__name__} does not see its planted fault, {pair[0]["source"][:60]!r}'
        if good: yield f'{rule.__name__} complains of a page without fault: {good[0]}'
    for bad, good in PLANTED_ENTRIES:
        if not list(signatures(dict(cells=[bad]))): yield f'signatures does not see {bad["outputs"]}'
        if found := list(signatures(dict(cells=[good]))): yield f'signatures complains of {found[0]}'
    if not list(searched(PLACES[::-1], ['f', ''])): yield 'searched does not see a page before an entry'
    if list(searched(PLACES, ['f', ''])): yield 'searched complains of an entry before its page'
    if not list(publishable(f'https://github.com/{PLACEHOLDER}/oplas')): yield 'publishable does not see the placeholder'
    if list(publishable('https://github.com/somebody/oplas')): yield 'publishable complains of an address'


if __name__ == '__main__':
    problems = list(site_rules())
    print(*problems or [f'{len(RULES)} rules, each seen to fail on its planted fault'], sep='\n')
    sys.exit(bool(problems))
