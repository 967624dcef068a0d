"""Run by Quarto (see _quarto.yml), where nbdev copies it as `pages`.

`pages before` gives the footer the version and the addresses of settings.ini, and writes the signatures of the
Reference as they stand in the code. `pages after` takes out of the pages what they would ask third parties for,
mends their Markdown copies, lists those in llms.txt, and puts entries first where the search finds many places.
"""
import ast
import io
import json
import os
import re
import struct
import sys
import textwrap
import tokenize
from configparser import ConfigParser
from html import unescape
from pathlib import Path

LICENSES = dict(apache2='Apache License 2.0')


def above():
    "The nearest folder above this one with a settings.ini."
    return next(p for p in (Path.cwd(), *Path.cwd().parents) if (p / 'settings.ini').exists())


def settings():
    "What stands in settings.ini."
    config = ConfigParser(delimiters=['='])
    config.read(above() / 'settings.ini', encoding='utf-8')
    return config['DEFAULT']


def write(path, text):
    "Write a text where it is new: an unchanged file keeps its time."
    if not path.exists() or path.read_text(encoding='utf-8') != text: path.write_text(text, encoding='utf-8')


WIDTH = 100   # columns of a signature
COLUMN = 36   # from which words stand beside it, at most
WIDE = 640    # dots across, from which a picture scrolls on a phone


class Module:
    "A module as it is written: its functions, classes and patched methods, and what is said of their arguments."

    def __init__(self, path, root):
        self.text, self.path = path.read_text(encoding='utf-8'), path.relative_to(root).as_posix()
        exported = re.search(r'File to edit: (\S+\.ipynb)', self.text)
        self.notebook = (path.parent / exported[1]).resolve() if exported else None
        self.lines, self.said, self.defined = self.text.splitlines(), {}, {}
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT: self.said[token.start[0]] = token.string.lstrip('# ')
        for node in ast.parse(self.text).body:
            for name in names_of(node): self.defined[name] = node
            for inner in getattr(node, 'body', []) if isinstance(node, ast.ClassDef) else []:
                if isinstance(inner, ast.FunctionDef): self.defined[f'{node.name}.{inner.name}'] = inner

    def as_written(self, node):
        "The text of a node; `ast.get_source_segment` would split the whole module each time."
        lines = [line.encode() for line in self.lines[node.lineno - 1:node.end_lineno]]
        lines[-1] = lines[-1][:node.end_col_offset]
        lines[0] = lines[0][node.col_offset:]
        return b'\n'.join(lines).decode()

    def source(self, node): return self.as_written(node).strip('\'"')

    def comment(self, line):
        "What is said on a line, and on the lines after it that hold nothing but words."
        words = [self.said.get(line, '')]
        while re.match(r'\s*#', self.lines[line]): line += 1; words.append(self.said[line])
        return ' '.join(word for word in words if word)

    def written(self, name, annotation, default):
        "An argument: its name, its kind, and what it is unless told."
        if annotation: name += ': ' + self.source(annotation)
        if default and ast.unparse(default).startswith('field('):
            default = {key.arg: key.value for key in default.keywords}.get('default')
        if default is None: return name
        return name + (' = ' if annotation else '=') + self.as_written(default)

    def arguments(self, function):
        "(an argument as it is written, what is said of it) for all that a function takes, but for self."
        spec = function.args
        plain = [*spec.posonlyargs, *spec.args]
        defaults = [None] * (len(plain) - len(spec.defaults)) + spec.defaults
        every = [('', *both) for both in zip(plain, defaults)]
        if spec.vararg: every.append(('*', spec.vararg, None))
        every += [('', *both) for both in zip(spec.kwonlyargs, spec.kw_defaults)]
        if spec.kwarg: every.append(('**', spec.kwarg, None))
        for stars, arg, default in every:
            if arg in plain[:1] and (arg.arg in ('self', 'cls') or names_of(function)[0] != function.name): continue
            if arg in spec.kwonlyargs[:1] and not spec.vararg: yield '*', ''
            yield self.written(stars + arg.arg, arg.annotation, default), self.comment((default or arg).end_lineno)

    def fields(self, of):
        "(a field as it is written, what is said of it) for a named tuple or a dataclass."
        for node in of.body:
            if isinstance(node, ast.AnnAssign) and node.target.id[0] != '_':
                yield self.written(node.target.id, node.annotation, node.value), self.comment(node.end_lineno)

    def signature(self, name):
        "How a function, a method or a class is called."
        node, last = self.defined[name], name.split('.')[-1]
        if isinstance(node, ast.ClassDef):
            start = self.defined.get(f'{name}.__init__')
            told = [*(self.arguments(start) if start else self.fields(node))]
            return columns(f'{name}(', told, ')') if start or told else self.lines[node.lineno - 1].strip(':')
        gives, below = self.written('', node.returns, None).replace(': ', ' -> '), node.body[0].lineno - 1
        at = node.returns.end_lineno if node.returns else max(1, below)
        said = self.comment(at) if node.returns or re.match(r'\s*\):', self.lines[at - 1]) else ''
        told = [*self.arguments(node)]
        if re.search(r'property\b|as_prop=True', ' '.join(map(ast.unparse, node.decorator_list))):
            return columns(name + gives, [], '', said)
        return columns(f'def {last}(', told, f'){gives}:', said)


def names_of(node):
    "The names by which a definition is found: its own, or those of the methods that it patches into classes."
    if isinstance(node, ast.ClassDef): return [node.name]
    if not isinstance(node, ast.FunctionDef): return []
    patching = any(re.match(r'patch\b', ast.unparse(d)) for d in node.decorator_list)
    first = [*node.args.posonlyargs, *node.args.args][:1]
    if not patching or not first or first[0].annotation is None: return [node.name]
    return [f'{of.strip()}.{node.name}' for of in ast.unparse(first[0].annotation).strip('\'"').split('|')]


def beside(code, said, column):
    "Lines of code, with words in a column beside or below them."
    words = textwrap.wrap(said.replace('`', ''), WIDTH - column - 4)
    if not words: return [code]
    lines = [code] if len(code) > column else []
    blank = [' ' * column] * (len(words) - 1 + len(lines))
    return lines + [f'{left:<{column}}  # {line}' for left, line in zip([code][len(lines):] + blank, words)]


def columns(start, told, end, said=''):
    "A signature, an argument a line."
    if not told: return '\n'.join(beside(start + end, said, len(start + end)))
    lengths = [len(code) + 5 for code, _ in told]
    column = max((n for n in lengths if n <= COLUMN), default=COLUMN // 2)
    lines = [line for code, words in told for line in beside(f'    {code},', words, column)]
    return '\n'.join([start, *lines, *beside(end, said, max(column, len(end)))])


def entry(module, name, doc, link):
    "An entry of the Reference."
    node = module.defined[name]
    source = f'[source]({link}/{module.path}#L{node.lineno}){{target="_blank" style="float:right; font-size:smaller"}}'
    doc = doc or f'*{ast.get_docstring(node)}*'
    return f'---\n\n{source}\n\n### {name}\n\n```python\n{module.signature(name)}\n```\n\n{doc}'


def with_entries(nb, module, link):
    "A notebook whose entries say how things are called as it stands in the code, under the names that they go by."
    for cell in nb['cells']:
        shown = re.search(r'^show_doc\((.*)\)\s*$', ''.join(cell['source']), re.M)
        names = re.findall(r'[\w.]+', shown[1].split(', name=')[0]) if shown and cell['cell_type'] == 'code' else []
        names = [name for name in names if name in module.defined]
        if any(re.search(r'(^|\.)_', name) for name in names):
            cell['outputs'] = []   # of interest to scikit-learn alone
        for output in cell.get('outputs', []) if names else []:
            was = ''.join(output.get('data', {}).get('text/markdown', ''))
            if not was: continue
            doc = was.rpartition('```')[2].strip() if len(names) == 1 else ''
            output['data']['text/markdown'] = '\n\n'.join(entry(module, name, doc, link) for name in names)
    return nb


def modules(root):
    "The modules of the library, by the notebook that each comes from."
    found = (Module(path, root) for path in sorted((root / 'oplas').rglob('*.py')) if path.name[0] != '_')
    return {module.notebook: module for module in found}


def before():
    "Write _variables.yml, which the footer reads, and the entries of the Reference."
    own = settings()
    root = above()
    link = f"{own['git_url']}/blob/{own['branch']}"
    for notebook, module in modules(root).items():
        page = Path.cwd() / notebook.relative_to(root / own['nbs_path'])
        if not page.exists(): continue
        nb = json.loads(page.read_text(encoding='utf-8'))
        write(page, json.dumps(with_entries(nb, module, link), sort_keys=True, indent=1, ensure_ascii=False) + '\n')
    values = dict(
        version=own['version'], license=LICENSES[own['license']], repo=own['git_url'], branch=own['branch'])
    write(Path('_variables.yml'), ''.join(f'{name}: "{value}"\n' for name, value in values.items()))


def alone(html, card):
    "A page without what Quarto fetches for widgets, with words for a badge, and a card to share."
    html = re.sub(r'<script src="https://cdnjs\.cloudflare\.com/[^>]*></script>\s*', '', html)
    html = re.sub(r'<script[^>]*>define\(.jquery..*?</script>\s*', '', html)
    html = re.sub(r'(<meta (?:property|name)="(?:og|twitter):image" content=")[^"]*data:[^"]*"', rf'\1{card}"', html)
    return re.sub(r'<img [^>]*colab-badge\.svg[^>]*>', 'Open in Colab', html)


def sized(html, folder):
    "A page whose pictures tell their size, so that nothing jumps while it loads, and wide ones can scroll on a phone."
    def with_size(found):
        file = folder / found[1]
        if 'width=' in found[0] or not file.exists(): return found[0]
        width, height = struct.unpack('>II', file.read_bytes()[16:24])
        name = 'figure-img wide' if width >= WIDE else 'figure-img'
        return found[0].replace('figure-img', name, 1).replace('<img ', f'<img width="{width}" height="{height}" ', 1)
    return re.sub(r'<img [^>]*?src="([^":]+\.png)" class="[^"]*figure-img[^>]*>', with_size, html)


def mended(text):
    "A Markdown copy with links to copies instead of notebooks, and without embedded sounds and pictures."
    text = re.sub(r'\]\((?!https?:)([^)\s#]*?)(\d+_)?([^/)\s#]+)\.ipynb', r'](\1\3.html.md', text)
    text = re.sub(r'<audio.*?</audio>', '(a sound)', text, flags=re.S)
    text = re.sub(r'<(template|script|style)\b.*?</\1>', '', text, flags=re.S)
    return re.sub(r'src="data:[^"]*"', 'src=""', text)


def listed(path, out, site):
    "A line of llms.txt: link, title, and what the page says that it is for."
    page = path.with_suffix('').read_text(encoding='utf-8')
    title = re.search(r'<title>(.*?)(?: – [^<]*)?</title>', page, re.S)
    about = re.search(r'<meta name="description" content="(.*?)">', page, re.S)
    name = unescape(title[1]).strip() if title else path.name.split('.')[0]
    return f'- [{name}]({site}/{path.relative_to(out).as_posix()})' + (f': {unescape(about[1])}' if about else '')


def page_of(notebook):
    "Path of the page that is made of a notebook, as nbdev calls it."
    return notebook.with_name(re.sub(r'^\d+\w?_', '', notebook.stem) + '.html')


def found_first(places, module, page, html):
    "What the search finds, with the entries of a page before it: Quarto goes by larger sections alone."
    whole = next((place for place in places if place['objectID'] == page), None)
    there = {place['objectID'] for place in places}
    names = [name for name in module.defined if '._' not in name and f' id="{name.lower()}"' in html]
    entries = []
    for name in names if whole else []:
        at, node = f'{page}#{name.lower()}', module.defined[name]
        text = f'{ast.get_docstring(node) or ""} {module.signature(name)}'.replace('`', '')
        if at not in there: entries.append(whole | dict(objectID=at, href=at, section=name, text=text))
    return entries + places


def with_names(out, root, notebooks):
    "Put every entry of the Reference among what the search finds."
    index = out / 'search.json'
    if not index.exists(): return
    places = json.loads(index.read_text(encoding='utf-8'))
    for notebook, module in modules(root).items():
        page = page_of(notebook.relative_to(notebooks)).as_posix()
        if not (out / page).exists(): continue
        places = found_first(places, module, page, (out / page).read_text(encoding='utf-8'))
    write(index, json.dumps(places, ensure_ascii=False, indent=1))


def after():
    "Mend pages and copies, add names to the search, and write llms.txt."
    out, own = Path(os.environ['QUARTO_PROJECT_OUTPUT_DIR']), settings()
    site = own['doc_host'] + own['doc_baseurl']
    for path in out.rglob('*.html'):
        html = alone(path.read_text(encoding='utf-8'), f'{site}/images/card.png')
        write(path, sized(html, path.parent))
    root = above()
    with_names(out, root, root / own['nbs_path'])
    copies = sorted(out.rglob('*.html.md'))
    for path in copies: write(path, mended(path.read_text(encoding='utf-8')))
    if not copies: return
    head = f"# {own['title']}\n\n> {own['description']}\n\n## Pages\n\n"
    write(out / 'llms.txt', head + '\n'.join(listed(path, out, site) for path in copies) + '\n')


if __name__ == '__main__': {'before': before, 'after': after}[sys.argv[1]]()
