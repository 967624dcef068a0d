#!/usr/bin/env python3
"""Checks that need neither Quarto nor a network; `nbdev_test` runs the notebooks, this looks after the rest.

.ci/check.py             run every check; exit 1 if any failed
.ci/check.py docs lazy   run these alone
.ci/check.py --mend      first mend what a tool can: export, clean, the sidebar, every notebook's Colab cells, and the address after a change in settings.ini
"""
import ast, functools, gc, importlib, inspect, json, os, re, shutil, subprocess, sys, tempfile, venv, warnings
from pathlib import Path

root = Path(__file__).resolve().parent.parent
os.chdir(root)  # nbdev looks for settings.ini from here
sys.path[:0] = [str(root), str(root/'.ci'), str(root/'nbs')]

import house, pages as reference_pages, site_pages, yaml
from fastcore.docments import docments
from nbdev.clean import nbdev_clean
from nbdev.config import get_config
from nbdev.doclinks import _nbpath2html, nbdev_export
from nbdev.quarto import refresh_quarto_yml
from nbdev.serve import proc_nbs

cfg = get_config()
site, repo, lib = cfg.doc_host + cfg.doc_baseurl, cfg.git_url, cfg.lib_path.name
slug = lambda url: '/'.join(url.split('/')[-2:])  # user/repo
tree = f'/blob/{cfg.branch}/'
colab, raw = f'https://colab.research.google.com/github/{slug(repo)}', f'https://raw.githubusercontent.com/{slug(repo)}'

paper = ('https://drscotthawley.github.io/oplas', 'https://github.com/drscotthawley/oplas')  # not ours
generated = ('nbs/nbdev.yml', f'{lib}/_modidx.py')  # nbdev writes the address there; checked against nbdev
linking = ('README.md', f'nbs/{cfg.readme_nb}', 'CITATION.cff', 'CONTRIBUTING.md', 'CHANGELOG.md', '.github/ISSUE_TEMPLATE/config.yml')  # may link to our pages, at the address in settings.ini
by_hand = ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md')  # read on the repository's pages: links are to files
FOLDERS = {  # the sidebar: section -> folder, and the pages that come first
    'Tutorials': ('tutorials', 'first_ring first_mix stargate digits months ring_without_labels keys fifths tonnetz mixing songs listen listen_sampled figure1'),
    'Explanations': ('explanations', 'why_rotations avoiding_collapse what_locked_means where_oplas_fits extending'),
    'Studies': ('studies', 'claims counterparts which_encoders mixing additivity matrices rotations'),
}
REFERENCE = {  # group -> pages, as users need them
    'Spaces': '10_ring 11_mixing 12_plugin 13_modules 14_display 15_hub 16_batches',
    'Operators and layers': '00_rotations 01_film 02_operators 04_projector',
    'Losses and training': '03_losses 05_training 06_storage',
    'Sound': 'audio/00_stems audio/01_synth audio/02_spectra audio/03_encoders audio/04_decoders audio/05_songs',
    'Pictures and toys': '07_viz 08_toy 09_stargate',
    'Paper': 'paper/00_released paper/01_claims paper/02_reproduce',
    'Command, demo and benchmark': 'cli demo bench',
}
heavy = {'umap', 'transformers', 'musdb'}           # slow or optional: imported where they are used

# What the checks look at
def tracked():
    "Tracked files that exist, as paths from the root"
    names = subprocess.run(['git', 'ls-files', '-z'], capture_output=True, text=True, check=True).stdout.split('\0')
    return [Path(o) for o in names if o and Path(o).is_file()]

def library():
    "The modules that notebooks make, as paths from the root"
    return [p.relative_to(root) for p in house.modules(root/lib) if p.name[0] != '_']

def module_name(path): return '.'.join(path.with_suffix('').parts)
def text_of(path): return Path(path).read_text(encoding='utf-8', errors='ignore')
def notebooks(): return [o for o in sorted(Path('nbs').rglob('*.ipynb')) if not any(p[0] in '._' for p in o.parts)]

def cells(path, kind):
    "Sources of a notebook's cells of one kind, without those that are hidden"
    found = [''.join(c['source']) for c in json.loads(text_of(path))['cells'] if c['cell_type'] == kind]
    return [o for o in found if not re.search(r'^#\|\s*(hide\b|echo:\s*false|include:\s*false)', o, re.M)]

def badge(path): return f'[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}{tree}{Path(path).as_posix()})&nbsp;'

def install(path):
    "In Colab only: a clone, for the files that a page reads, and what the tests of the notebooks need"
    return f"""#| hide
if 'google.colab' in str(get_ipython()):
    !git clone -q --depth 1 -b {cfg.branch} {repo} /content/{cfg.repo}
    %pip install -q '/content/{cfg.repo}[dev]'
    %cd -q /content/{cfg.repo}/{Path(path).parent.as_posix()}"""

def for_colab(cell):
    "Is it one of the two cells that --mend writes?"
    source = ''.join(cell['source'])
    return source.startswith(('[![Open in Colab]', "#| hide\nif 'google.colab' in str(get_ipython()):"))

def with_colab(path):
    "The notebook with badge and install cell after its title, and nowhere else"
    nb = json.loads(text_of(path))
    rest = [c for c in nb['cells'] if not for_colab(c)]
    ours = [dict(cell_type='markdown', id='badge', metadata={}, source=[badge(path)]),
            dict(cell_type='code', execution_count=None, id='install', metadata={}, outputs=[], source=install(path).splitlines(True))]
    return nb | dict(cells=rest[:1] + ours + rest[1:])

def pages_of(folder, first):
    "The pages of a folder, those that are named first before the others"
    first = first.split()
    found = [o for o in notebooks() if o.parent == Path('nbs')/folder]
    found.sort(key=lambda o: (first.index(o.stem) if o.stem in first else len(first), o.name))
    return [o.relative_to('nbs').as_posix() for o in found]

def reference():
    "The groups of the Reference, with the pages that are there"
    return [dict(section=group, contents=[f'{o}.ipynb' for o in names.split() if Path(f'nbs/{o}.ipynb').exists()])
            for group, names in REFERENCE.items()]

def sidebar():
    "The sidebar: every page in its section"
    bar = [dict(text='Home', href=cfg.readme_nb)]
    bar += [dict(section=section, contents=pages_of(*where)) for section, where in FOLDERS.items()]
    bar += [dict(section='Reference', contents=['reference.ipynb', *reference()]), dict(text='Glossary', href='glossary.ipynb')]
    made = yaml.dump(dict(website=dict(sidebar=dict(contents=bar))), sort_keys=False)
    return '# Written by .ci/check.py --mend from the tables there\n' + made

def contents(folder):
    return {p: p.read_bytes() for p in sorted(Path(folder).rglob('*')) if p.is_file() and '__pycache__' not in p.parts}

def changed_by(tool, folder):
    "Files under `folder` that `tool()` changes, makes or removes"
    before = contents(folder)
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)  # nbdev_clean only warns when it cannot read a notebook
        tool()
    after = contents(folder)
    return [p for p in sorted({*before, *after}) if before.get(p) != after.get(p)]

def words(text):
    "Folded text: words alone, joined by single blanks; link targets, punctuation and white space do not count"
    return ' ' + ' '.join(re.findall(r'[^\W_]+', re.sub(r'\]\([^)]*\)', ']', text))) + ' '

def code_lines(markdown):
    "Lines inside fenced blocks, each with its line number"
    fenced, res = False, []
    for i, line in enumerate(markdown.splitlines(), 1):
        if line.lstrip().startswith('```'): fenced = not fenced
        elif fenced: res.append((i, line.strip()))
    return res

def addresses(text):
    "Web addresses that name this project's repository or site, here or under another owner"
    urls = re.findall(r'https?://[^\s"\'<>()\[\]{}\\`]+', text)
    ours = re.compile(rf'github[\w.]*/(\S*/)?{re.escape(cfg.repo)}\b|{re.escape(slug(repo))}|{re.escape(cfg.doc_host)}')
    return [u.rstrip('.,;:') for u in urls if ours.search(u) and not u.startswith(paper)]

# The checks: each yields what is wrong and how to mend it
def export():
    "nbdev_export leaves the modules as they are, and every module has its notebook"
    for p in changed_by(nbdev_export.__wrapped__, lib): yield f'{p} differed from its notebook; it is exported now: commit it'
    for p in Path(lib).rglob('*.py'):
        source = re.search(r'File to edit: (\S+\.ipynb)', text_of(p))
        if p.name not in ('__init__.py', '_modidx.py') and not (source and (p.parent/source[1]).exists()):
            yield f'{p} comes from no notebook: delete it, or write it in a notebook'

def clean():
    "nbdev_clean leaves the notebooks as they are"
    for p in notebooks():
        try: json.loads(text_of(p))
        except ValueError as e: yield f'{p} is not JSON ({e}): mend it by hand, or take it from git'
    for p in changed_by(nbdev_clean.__wrapped__, 'nbs'): yield f'{p} was not clean; it is now: commit it (nbdev_install_hooks)'

def readme():
    "README.md holds the text and code of index.ipynb, with the two commands near its top"
    nb, page = linking[1], text_of('README.md')
    layout = re.compile(r'^(#\|.*|:::.*|> .*)\n?', re.M)   # options, frames and the tagline, which pandoc turns into something else
    for source in cells(nb, 'markdown') + cells(nb, 'code'):
        if 'colab-badge' in source: continue             # checked by `colab_cells`
        for part in re.split(r'\n\s*\n', layout.sub('', source)):
            if part.strip() and not part.startswith('![') and words(part) not in words(page):
                yield f'README.md lacks this of {nb}: {part[:60]!r}; run nbdev_readme (needs Quarto) or edit both'
    for command in ('oplas reproduce', 'nbdev_test'):
        at = [i for i, line in code_lines(page) if command in line]
        if len(at) != 1 or at[0] > 40: yield f'README.md should hold one code line with `{command}` in its first 40 lines; it is on {at}'

def address():
    "The public address stands in settings.ini alone; what is generated from it agrees"
    for p in changed_by(refresh_quarto_yml, 'nbs'): yield f'{p} differed from settings.ini; it is refreshed now: commit it'
    owner = re.compile(rf'github\.com[/:]{re.escape(cfg.user)}\b|\b{re.escape(cfg.user)}\.github\.io')
    for p in tracked():
        text, name = text_of(p), p.as_posix()
        if name in ('settings.ini', *generated) or name.startswith('.ci/'): continue
        if name.endswith('.ipynb') and name not in linking:  # badge and install cell are checked by `colab`
            nb = json.loads(text)
            text = json.dumps([c for c in nb['cells'] if not for_colab(c)], ensure_ascii=False)
        if name in linking: bad = [u for u in addresses(text) if not u.startswith((site, repo, colab, raw))]
        else: bad = addresses(text) + owner.findall(text)
        for u in sorted(set(bad)): yield f'{name} holds {u}: ' + (
            'not the address in settings.ini; run .ci/check.py --mend' if name in linking else 'take it out, or read it from settings.ini')

    cited = yaml.safe_load(text_of('CITATION.cff'))
    for key, value in {'version': cfg.version, 'repository-code': repo, 'url': site}.items():
        if cited[key] != value: yield f'CITATION.cff: {key} is {cited[key]}, in settings.ini it is {value}; run .ci/check.py --mend'

def colab_cells():
    "Every notebook has its Colab badge and its install cell, right after its title"
    def read(nb): return [(c['cell_type'], ''.join(c['source'])) for c in nb['cells']]
    for p in notebooks():
        if read(json.loads(text_of(p))) != read(with_colab(p)): yield f'{p}: badge or install cell is not what settings.ini gives; run .ci/check.py --mend'

def slugs(cells):
    "The anchors of a page: pandoc's identifiers of its headings"
    fence, text = re.compile(r'^\s*```.*?^\s*```', re.M | re.S), []
    for c in cells:
        if c['cell_type'] == 'markdown': text.append(''.join(c['source']))
        text += [''.join(o['data']['text/markdown']) for o in c.get('outputs', []) if 'text/markdown' in o.get('data', {})]
    seen, res = {}, set()
    for title in re.findall(r'^#{1,6} +(.+?)\s*#*$', fence.sub('', '\n\n'.join(text)), re.M):
        if given := re.search(r'\{#([\w.-]+)[^}]*\}', title): res.add(given[1]); continue
        plain = re.sub(r'<[^>]+>', '', re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', title))
        name = re.sub(r'^[^a-z]+', '', re.sub(r'\s+', '-', re.sub(r'[^\w\s.-]', '', plain.lower()).strip())) or 'section'
        res.add(f'{name}-{seen[name]}' if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return res

def names_found(told):
    "The search finds the entry of a name before the pages that speak of it"
    for notebook, module in told.items():
        if notebook.name != '10_ring.ipynb': continue
        places = [dict(objectID='ring.html', href='ring.html', title='ring', section='', text='RingSpace, and what it is for')]
        first = reference_pages.found_first(places, module, 'ring.html', ' id="ringspace" id="ringspace.fit"')
        yield from site_pages.searched(first, ['RingSpace', 'RingSpace.fit', ''])

def docs():
    "The docs can be built: symlink, metadata files, entries of the Reference, the search, the sidebar, links and anchors between pages"
    if not Path('nbs/_quarto.yml').is_symlink() or os.readlink('nbs/_quarto.yml') != '../_quarto.yml':
        yield 'nbs/_quarto.yml should be a symlink: ln -sfn ../_quarto.yml nbs/_quarto.yml'
    if not cfg.custom_sidebar: yield 'settings.ini: custom_sidebar should be True, or nbdev writes nbs/sidebar.yml over'
    refresh_quarto_yml()
    made = proc_nbs(n_workers=0, force=True)  # runs the show_doc cells
    for f in yaml.safe_load(text_of('_quarto.yml'))['metadata-files']:
        if not (made/f).exists(): yield f'_quarto.yml names {f}, which is not there'

    def entries(item):
        if isinstance(item, str): return [item]
        if isinstance(item, list): return [e for o in item for e in entries(o)]
        return entries(item.get('href', [])) + entries(item.get('contents', []))
    bar = entries(yaml.safe_load(text_of('nbs/sidebar.yml'))['website']['sidebar']['contents'])
    pages = {p.relative_to('nbs').as_posix(): p for p in notebooks()}
    for e in bar:
        if not (made/e).exists(): yield f'the sidebar names {e}, which is not there'
    for e in pages:
        if bar.count(e) != 1: yield f'the sidebar should name {e} once, and names it {bar.count(e)} times; run .ci/check.py --mend'
    if text_of('nbs/sidebar.yml') != sidebar(): yield 'nbs/sidebar.yml is not what the tables give; run .ci/check.py --mend'

    told = reference_pages.modules(root)
    ready = {e: json.loads(text_of(made/e)) for e in pages if (made/e).exists()}
    yield from names_found(told)
    for e, nb in ready.items():
        if module := told.get((root/'nbs'/e).resolve()): reference_pages.with_entries(nb, module, repo + tree.rstrip('/'))
        for problem in site_pages.signatures(nb): yield f'{e}: {problem}'
    anchors = {e: slugs(nb['cells']) for e, nb in ready.items()}
    for e, p in pages.items():
        for target, _, anchor in re.findall(r'\]\((?!https?:|mailto:)([^)\s#]*)(#([^)\s]*))?(?:\s[^)]*)?\)', '\n'.join(cells(p, 'markdown'))):
            to = os.path.relpath(p.parent/target, 'nbs') if target else e
            if not (p.parent/target).exists(): yield f'{p} links to {target}, which is not there'
            elif anchor and anchor not in anchors.get(to, ()): yield f'{p} links to {target}#{anchor}, a heading that is not there'
    html = {_nbpath2html(Path(e)).as_posix(): e for e in pages}  # 00_rotations.ipynb makes rotations.html
    for source in linking:
        for url in addresses(text_of(source)):
            page, _, anchor = url.removeprefix(site).lstrip('/').partition('#')
            if url.startswith(site) and page:
                if page not in html: yield f'{source} links to {url}, but no notebook makes that page'
                elif anchor and anchor not in anchors[html[page]]: yield f'{source} links to {url}, a heading that is not there'
            if tree in url and not Path(url.split(tree)[1].split('#')[0]).exists(): yield f'{source} links to {url}, which is not in the repository'
    for source in by_hand:
        for target in re.findall(r'\]\((?!https?:|mailto:|#)([^)\s#]+)', text_of(source)):
            if source == 'README.md' and target.endswith('.ipynb'): yield f'README.md links to {target}: use the absolute address in {cfg.readme_nb}'
            if not Path(target).exists(): yield f'{source} links to {target}, which is not there'

def files():
    "No tracked file is over 2 MiB or holds a path or package index of one machine"
    here = re.compile(r'/(?:root|work)/|/home/\w+|/tmp[/]w\b|opt[/]pypi|--(?:extra-)?index[-]url|download[.]pytorch|pypi[.]org|files[.]pythonhosted')
    for p in tracked():
        if p.stat().st_size > 2 << 20: yield f'{p} has {p.stat().st_size / 2**20:.1f} MiB: shrink it (pictures of a notebook: lower dpi) or leave it out'
        if found := here.search(text_of(p)): yield f'{p} holds {found[0]!r}: write a relative path, or clear that output'

def lazy():
    "import oplas stays light: no umap, transformers, musdb or matplotlib.pyplot (no module imports the first three)"
    modules = [lib] + [module_name(p) for p in library()]
    for some, banned in ((modules[:1], heavy | {'matplotlib.pyplot'}), (modules, heavy)):
        code = f"import sys, {', '.join(some)}; print(*({banned!r} & set(sys.modules)))"
        out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
        if out.returncode: yield f'importing {", ".join(some)} failed: {out.stderr.strip().splitlines()[-1]}'
        elif out.stdout.strip(): yield f'importing {", ".join(some)} imports {out.stdout.strip()}: import it inside the function that uses it'

extras = {  # what may be missing: asked for with a message that names the extra
    'audio': {'transformers', 'huggingface_hub', 'pyyaml', 'musdb', 'stempeg'},
    'sounds': {'music21', 'onnxruntime'},
    'parquet': {'pyarrow'},
    'interactive': {'plotly'},
    'hub': {'huggingface_hub'},
    'demo': {'gradio'},
    'onnx': {'onnx', 'onnxscript', 'onnxruntime'},
}
by_line = {'tinysoundfont', 'linear_cae', 'geotorch'}  # whose own requirements cannot be met: the message gives the line to install it

def needs():
    "What the library imports is among the requirements in settings.ini, or in an extra that is asked for"
    package = dict(sklearn='scikit-learn', umap='umap-learn', PIL='pillow', yaml='pyyaml')
    def listed(key): return {re.split(r'[<>=!~]', o)[0].lower() for o in cfg.d.get(key, '').split()}
    optional = {n for name, some in extras.items() for n in some if n in listed(f'{name}_requirements')}
    for p in library():
        for node in ast.walk(ast.parse(text_of(p))):
            modules = [o.name for o in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            for top in {m.split('.')[0] for m in modules} - set(sys.stdlib_module_names) - {lib}:
                if package.get(top, top).lower() not in listed('requirements') | optional | by_line: yield f'{p} imports {top}, which settings.ini does not list'

def floors():
    "constraints-floor.txt has the oldest versions that settings.ini admits; the workflows name what they run by its hash"
    tested = dict(line.split('==') for line in text_of('constraints-floor.txt').splitlines() if '==' in line)
    for key in [k for k in cfg.d if k.endswith('requirements')]:
        for name, oldest in re.findall(r'([\w-]+)>=([\w.]+)', cfg.d[key]):
            if name in tested and not f'{tested[name]}.'.startswith(f'{oldest}.'):
                yield f'{key}: {name}>={oldest}, but constraints-floor.txt tests {tested[name]}'
            if key == 'requirements' and name not in {*tested, 'fastcore'}:  # nbdev asks for a newer fastcore
                yield f'constraints-floor.txt lacks {name}'
    for p in Path('.github/workflows').glob('*.y*ml'):
        for action in re.findall(r'uses: (\S+)', text_of(p)):
            if not re.search('@[0-9a-f]{40}$', action): yield f'{p}: {action} is not pinned by the hash of a commit'

CONDA = dict(torch='pytorch', matplotlib='matplotlib-base', soundfile='pysoundfile')   # names that are others on conda-forge

def recipe():
    "recipe/recipe.yaml asks for what settings.ini asks for, and makes the same commands"
    found = yaml.safe_load(text_of('recipe/recipe.yaml'))
    wanted = [re.fullmatch(r'([\w.-]+?)([<>=!~].*)?', o).groups() for o in cfg.requirements.split()]
    run = {f'python >=${{{{ python_min }}}}'} | {f"{CONDA.get(name, name)} {bounds or ''}".strip() for name, bounds in wanted}
    for o in sorted(run ^ set(found['requirements']['run'])): yield f'recipe/recipe.yaml: {o}: {"lacks it" if o in run else "settings.ini does not ask for it"}'
    told = dict(version=found['context']['version'], min_python=found['context']['python_min'], description=found['about']['summary'])
    for key, value in told.items():
        if cfg.d[key] != value: yield f'recipe/recipe.yaml: {key} is {value}, in settings.ini it is {cfg.d[key]}'
    commands = {o.replace(' ', '') for o in found['build']['python']['entry_points']}
    if commands != set(cfg.console_scripts.split()): yield f'recipe/recipe.yaml: its commands are {commands}'

def used_in(source):
    "Names that a cell uses, beyond importing and showing them"
    try: tree = ast.parse(re.sub(r'^\s*[%!].*$', '', source, flags=re.M))
    except SyntaxError: return set()
    shown = {id(a) for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, 'id', '') == 'show_doc' for a in ast.walk(n)}
    scripts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and 'import ' in n.value and '\n' in n.value]  # run as programs
    return {n.id if isinstance(n, ast.Name) else n.attr for n in ast.walk(tree) if isinstance(n, (ast.Name, ast.Attribute)) and id(n) not in shown}.union(*map(used_in, scripts))

framework = {'extra_repr', 'train', 'forward'}  # methods that torch calls; what they are for is torch's to say

def methods(of):
    "The public methods and properties that a class defines itself"
    found = {n: getattr(o, '__func__', getattr(o, 'fget', o)) for n, o in vars(of).items() if n[0] != '_'}
    return {n: o for n, o in found.items() if inspect.isfunction(o) and o.__qualname__ == f'{of.__name__}.{n}'}

def told(of):
    "Argument -> what is said of it"
    try: names = [n for n in inspect.signature(of).parameters if n not in ('self', 'cls')]
    except ValueError: return {}                                                                          # a dict with methods, say
    if getattr(of, '_is_protocol', False): return {}                                                      # nothing is made of it
    if inspect.isclass(of) and (hasattr(of, '_fields') or hasattr(of, '__dataclass_fields__')): said = {}  # fields, said where they are declared
    else: said = docments(of, full=True)
    lines = inspect.getsource(of)
    return {n: (said.get(n) or {}).get('docment') or re.search(rf'^\s*\**{n}\b[^#\n]*#\s*\S', lines, re.M) for n in names}

def public():
    "Every public function, class and method has a docstring and documented arguments, is shown in the Reference, and is used by an example that runs, or by what one uses in the same module"
    used, shown = set(), {}
    for p in notebooks():
        for c in json.loads(text_of(p))['cells']:
            source = ''.join(c['source'])
            if c['cell_type'] != 'code' or re.search(r'^#\|\s*eval:\s*false', source, re.M): continue
            if not re.search(r'^#\|\s*export', source, re.M): used |= used_in(source)
            elif not re.search(r'^#\|\s*(hide\b|include:\s*false)', source, re.M): shown.setdefault(p.name, []).append(source)
    modules = {p: importlib.import_module(module_name(p)) for p in library()}
    code = [(n, o) for m in modules.values() for n in m.__all__ if callable(o := getattr(m, n)) and getattr(o, '__module__', '') == m.__name__]
    used |= {getattr(r, '__name__', r) for n, o in code if n in used and inspect.isfunction(o) and (r := inspect.signature(o).return_annotation)}  # what an example gets, it uses
    used |= {b.__name__ for n, o in code if n in used and inspect.isclass(o) for b in o.__mro__}
    parts = {n: used_in(inspect.getsource(o)) & set(vars(m)) for m in modules.values() for n, o in vars(m).items() if inspect.isfunction(o) and o.__module__ == m.__name__}
    while more := set().union(*(parts[n] for n in used & set(parts))) - used: used |= more  # an example of the whole is one of its parts in the same module
    if lacking := set(importlib.import_module(lib).__all__) - used: yield f'{lib}: no example uses {", ".join(sorted(lacking))}'
    for p, module in modules.items():
        notebook = re.search(r'File to edit: \S*?([\w.]+\.ipynb)', text_of(p))[1]
        if not module.__doc__: yield f'{p}: {notebook} lacks the line `> what it is for` under its title'
        for name in module.__all__:
            of, at = getattr(module, name), f'{house.room(root/p)}.{name}'
            if (name, of) not in code: continue  # tables and numbers: told where they stand
            if name not in used: yield f'{at}: no example uses it'
            if not any(re.search(rf'^(?:def|class) {name}\b', o, re.M) for o in shown.get(notebook, ())): yield f'{at}: not shown in {notebook}'
            for n, o in {at: of, **{f'{at}.{n}': o for n, o in (methods(of) if inspect.isclass(of) else {}).items() if n not in framework}}.items():
                if not (o.__doc__ or '').strip() or o.__doc__.startswith(f'{name}('): yield f'{n}: no docstring'
                if n != at and n.split('.')[-1] not in used: yield f'{n}: no example uses it'
                if lacking := [k for k, d in told(o).items() if not d]: yield f'{n}: nothing said of {", ".join(lacking)}'

def of_nbdev(finding):
    "Is a line of a module too long that nbdev writes itself, the first of its names?"
    at = re.match(rf'({lib}/[\w/]+\.py):(\d+):\d+: E501', finding)
    return bool(at) and text_of(at[1]).splitlines()[int(at[2]) - 1].startswith('__all__')

def lint():
    "ruff finds nothing in the library, and no line over 120 columns there or in a notebook (ruff.toml)"
    command = [sys.executable, '-m', 'ruff', 'check', '--no-cache', '--output-format', 'concise']
    for more in ([lib], ['--select', 'E501', 'nbs']):
        out = subprocess.run([*command, *more], capture_output=True, text=True)
        found = [o for o in (out.stdout + out.stderr).splitlines() if o and not o.startswith(('Found', '[*]'))]
        if out.returncode: yield from (o for o in found if not of_nbdev(o))

@functools.cache
def mypy():
    "mypy at work beside the other checks, and its folder: a copy, since `export` writes the modules anew"
    copy = tempfile.TemporaryDirectory()
    shutil.copytree(lib, Path(copy.name)/lib, ignore=shutil.ignore_patterns('__pycache__'))
    shutil.copy('mypy.ini', copy.name)
    command = [sys.executable, '-m', 'mypy', '--no-error-summary', '--cache-dir', os.devnull]
    return subprocess.Popen(command, cwd=copy.name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True), copy

def types():
    "mypy finds nothing in the library (mypy.ini)"
    at_work, copy = mypy()
    said, _ = at_work.communicate()
    copy.cleanup()
    if at_work.returncode: yield from said.splitlines()

def wheel():
    "The sdist and the wheel made from it can be built; the wheel alone, elsewhere, holds the library and the command"
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp).resolve()
        def run(*args, **kwargs):
            out = subprocess.run([str(o) for o in args], capture_output=True, text=True, env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}, **kwargs)
            if out.returncode: raise RuntimeError(f'{" ".join(str(o) for o in args[1:4])} failed: {(out.stderr or out.stdout).strip()[-300:]}')
            return out.stdout.strip()
        for p in tracked():
            (tmp/'src'/p).parent.mkdir(parents=True, exist_ok=True)
            if not p.is_symlink() and p.parts[0] not in ('nbs', 'index_files'): shutil.copy(p, tmp/'src'/p)
        run(sys.executable, '-m', 'build', '--no-isolation', '--outdir', tmp/'dist', tmp/'src')
        made, = (tmp/'dist').glob('*.whl')
        venv.create(tmp/'venv', with_pip=False, symlinks=True)
        inside, = (tmp/'venv').glob('lib/python*/site-packages')
        (inside/'others.pth').write_text('\n'.join(p for p in sys.path if p.endswith('site-packages')))  # torch and the rest, as they are here
        run(sys.executable, '-m', 'pip', '--python', tmp/'venv/bin/python', 'install', '-q', '--no-deps', '--no-index', made)
        for p in [*Path(lib).rglob('*.py'), Path(lib)/'py.typed']:
            if not (inside/p).exists(): yield f'the wheel lacks {p} (setup.py, MANIFEST.in)'
        found = run(tmp/'venv/bin/python', '-c', f'import {lib}; print({lib}.__file__)', cwd=tmp/'dist')
        if not found.startswith(str(inside)): yield f'import {lib} took {found}, not the wheel'
        for script in cfg.console_scripts.split():
            name = script.split('=')[0]
            if name not in run(tmp/'venv/bin'/name, '--help', cwd=tmp/'dist'): yield f'{name} --help does not say what {name} is'

def pages():
    "The pages are such that Quarto shows all of them as they should be (.ci/site_pages.py has the rules)"
    for p in notebooks():
        nb = json.loads(text_of(p))
        for rule in site_pages.RULES:
            for problem in rule(nb): yield f'{p}: {rule.__name__}: {problem}'

def prose_numbers():
    "Every number in prose is made by a cell of its page, or gone through and listed (.ci/prose_numbers.txt)"
    out = subprocess.run([sys.executable, '.ci/prose_numbers'], capture_output=True, text=True)
    if out.returncode: yield from out.stdout.splitlines()[:-1] or out.stderr.splitlines()[-1:]

def notebook_of(path): return path.parent/re.search(r'File to edit: (\S+\.ipynb)', text_of(path))[1]

def methods_shown():
    "Every public method of a public class has its own entry in the Reference, on the page of the room that gives it to the class"
    made_in = {module_name(p): notebook_of(p) for p in library()}
    shown = {name: set(site_pages.entries(json.loads(text_of(p)))) for name, p in made_in.items()}
    for module in map(importlib.import_module, made_in):
        for name in module.__all__:
            of = getattr(module, name)
            if not inspect.isclass(of) or of.__module__ != module.__name__: continue
            for method, o in methods(of).items():
                if method not in framework and f'{name}.{method}' not in shown[o.__module__]:
                    yield f'{o.__module__}.{name}.{method}: no entry in {made_in[o.__module__].name}; export it with @patch, or show_doc it'

def overview():
    "nbs/reference.ipynb has a line for every public function and class, and the line is what its docstring says"
    outputs = [o for c in json.loads(text_of('nbs/reference.ipynb'))['cells'] for o in c.get('outputs', [])]
    there = '\n'.join(''.join(o.get('data', {}).get('text/markdown', '')) for o in outputs)
    for module in map(importlib.import_module, map(module_name, library())):
        for name in module.__all__:
            of = getattr(module, name)
            if not callable(of) or getattr(of, '__module__', '') != module.__name__: continue
            words = inspect.getdoc(of).splitlines()[0].replace('|', r'\|')
            if not re.search(rf'^\| \[{name}\]\(\S+\) \| {re.escape(words)} \|$', there, re.M):
                yield f'{module.__name__}.{name}: nbs/reference.ipynb does not say {words[:60]!r}; run that notebook'

def publish():
    "The public address is set (asked for when the site is published, and not before)"
    yield from site_pages.publishable(f'{cfg.git_url} {cfg.doc_host}')

checks = {o.__name__: o for o in (
    export, clean, readme, address, colab_cells, docs, files, lazy, needs, floors, recipe, public, overview, methods_shown, lint, wheel,
    house.shape, house.rooms, house.house_map, site_pages.site_rules, pages, prose_numbers, types)}
on_demand = {o.__name__: o for o in (publish,)}

def without_entries(nb):
    "The notebook without the outputs of show_doc, which the site makes anew, with addresses of its own"
    for c in nb['cells']:
        if c['cell_type'] == 'code' and re.match(r'\s*(#\|.*\n\s*)*show_doc\(', ''.join(c['source'])): c['outputs'] = []
    return nb

def mend():
    "Export, clean, and give the sidebar, the Colab cells and every link to our pages what stands in settings.ini and in the tables of the sidebar"
    for p in notebooks():
        if json.loads(text_of(p)) != (nb := without_entries(with_colab(p))): p.write_text(json.dumps(nb, sort_keys=True, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    Path('nbs/sidebar.yml').write_text(sidebar(), encoding='utf-8')
    Path('CITATION.cff').write_text(re.sub(r'^version: .*', f'version: {cfg.version}', text_of('CITATION.cff'), flags=re.M), encoding='utf-8')
    nbdev_export.__wrapped__(); nbdev_clean.__wrapped__(); refresh_quarto_yml()
    name = re.escape(cfg.repo)
    forms = {rf'https://{re.escape(host)}/[\w.-]+/{name}\b': new for host, new in {'github.com': repo,
             'colab.research.google.com/github': colab, 'raw.githubusercontent.com': raw}.items()}
    forms[rf'https://[\w-]+\.github\.io/{name}\b'] = site
    for p in linking:
        text = text_of(p)
        for form, new in forms.items(): text = re.sub(form, lambda m: m[0] if m[0] in paper else new, text)
        Path(p).write_text(text, encoding='utf-8')

def main():
    asked = [o for o in sys.argv[1:] if o != '--mend']
    if unknown := [o for o in asked if o not in checks | on_demand]: sys.exit(f'expected --mend or some of {", ".join(checks)}; got {", ".join(unknown)}')
    if '--mend' in sys.argv: mend()
    if not asked or 'types' in asked: mypy()
    failed = 0
    for name, check in (checks | on_demand).items():
        if name not in (asked or checks): continue
        problems = []
        try: problems.extend(check())
        except (Exception, SystemExit) as e: problems.append(f'{type(e).__name__}: {e}')
        print(f'{"FAIL" if problems else "ok":4} {name:13} {check.__doc__}', *problems, sep='\n     - ', flush=True)
        failed += bool(problems)
    gc.freeze()  # each of the notebooks' shells would look through all objects as the program ends
    sys.exit(bool(failed))

if __name__ == '__main__': main()
