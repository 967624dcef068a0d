#!/usr/bin/env python3
"""Checks that need neither Quarto nor a network; `nbdev_test` runs the notebooks, this looks after the rest.

.ci/check.py           run every check; exit 1 if any failed
.ci/check.py --mend    first mend what a tool can: export, clean, and the address after a change in settings.ini
"""
import json, os, re, subprocess, sys, warnings
from pathlib import Path

root = Path(__file__).resolve().parent.parent
os.chdir(root)  # nbdev looks for settings.ini from here
sys.path.insert(0, str(root))

import yaml
from nbdev.clean import nbdev_clean
from nbdev.config import get_config
from nbdev.doclinks import _nbpath2html, nbdev_export
from nbdev.quarto import nbdev_sidebar, refresh_quarto_yml
from nbdev.serve import proc_nbs

cfg = get_config()
site, repo, lib = cfg.doc_host + cfg.doc_baseurl, cfg.git_url, cfg.lib_path.name
slug = lambda url: '/'.join(url.split('/')[-2:])  # user/repo
tree = f'/blob/{cfg.branch}/'
colab, raw = f'https://colab.research.google.com/github/{slug(repo)}', f'https://raw.githubusercontent.com/{slug(repo)}'

paper = ('https://drscotthawley.github.io/oplas', 'https://github.com/drscotthawley/oplas')  # not ours
generated = ('nbs/nbdev.yml', f'{lib}/_modidx.py')  # nbdev writes the address there; checked against nbdev
linking = ('README.md', f'nbs/{cfg.readme_nb}')     # may link to our pages, at the address in settings.ini
heavy = {'umap', 'transformers', 'musdb'}           # slow or optional: imported where they are used

# What the checks look at
def tracked():
    "Tracked files that exist, as paths from the root"
    names = subprocess.run(['git', 'ls-files', '-z'], capture_output=True, text=True, check=True).stdout.split('\0')
    return [Path(o) for o in names if o and Path(o).is_file()]

def text_of(path): return Path(path).read_text(encoding='utf-8', errors='ignore')
def notebooks(): return [o for o in sorted(Path('nbs').rglob('*.ipynb')) if not any(p[0] in '._' for p in o.parts)]

def cells(path, kind):
    "Sources of a notebook's cells of one kind, without those that are hidden"
    found = [''.join(c['source']) for c in json.loads(text_of(path))['cells'] if c['cell_type'] == kind]
    return [o for o in found if not re.search(r'^#\|\s*(hide\b|echo:\s*false|include:\s*false)', o, re.M)]

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
    for source in cells(nb, 'markdown') + cells(nb, 'code'):
        source = re.sub(r'^#\|.*\n?', '', source, flags=re.M)
        for part in re.split(r'\n\s*\n', source):
            if not part.startswith('![') and words(part) not in words(page):
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
        if name in ('settings.ini', *generated): continue
        if name in linking: bad = [u for u in addresses(text) if not u.startswith((site, repo, colab, raw))]
        else: bad = addresses(text) + owner.findall(text)
        for u in sorted(set(bad)): yield f'{name} holds {u}: ' + (
            'not the address in settings.ini; run .ci/check.py --mend' if name in linking else 'take it out, or read it from settings.ini')

def docs():
    "The docs can be built: symlink, metadata files, show_doc cells, sidebar entries, links between pages"
    if not Path('nbs/_quarto.yml').is_symlink() or os.readlink('nbs/_quarto.yml') != '../_quarto.yml':
        yield 'nbs/_quarto.yml should be a symlink: ln -sfn ../_quarto.yml nbs/_quarto.yml'
    refresh_quarto_yml(); nbdev_sidebar.__wrapped__()
    made = proc_nbs(n_workers=0, force=True)  # runs the show_doc cells
    for f in yaml.safe_load(text_of('_quarto.yml'))['metadata-files']:
        if not (made/f).exists(): yield f'_quarto.yml names {f}, which is not there'

    def entries(item):
        if isinstance(item, str): return [item]
        if isinstance(item, list): return [e for o in item for e in entries(o)]
        return entries(item.get('href', [])) + entries(item.get('contents', []))
    bar = entries(yaml.safe_load(text_of('nbs/sidebar.yml'))['website']['sidebar']['contents'])
    for e in bar:
        if not (made/e).exists(): yield f'the sidebar names {e}, which is not there'
    if len(bar) != len(notebooks()): yield f'{len(notebooks())} notebooks, but {len(bar)} sidebar entries: {bar}'

    link = re.compile(r'\]\((?!https?:)([^)\s#]+\.ipynb)[^)]*\)')
    for nb in notebooks():
        for target in link.findall('\n'.join(cells(nb, 'markdown'))):
            if not (nb.parent/target).exists(): yield f'{nb} links to {target}, which is not there'
    for target in link.findall(text_of('README.md')): yield f'README.md links to {target}: use the absolute address in index.ipynb'
    pages = {_nbpath2html(o.relative_to('nbs')).as_posix() for o in notebooks()}  # 00_rotations.ipynb makes rotations.html
    for url in addresses(text_of('README.md')):
        page = url.removeprefix(site + '/').split('#')[0]
        if url.startswith(site + '/') and page.endswith('.html') and page not in pages:
            yield f'README.md links to {url}, but no notebook makes that page'
        if tree in url and not Path(url.split(tree)[1].split('#')[0]).exists(): yield f'README.md links to {url}, which is not in the repository'

def files():
    "No tracked file is over 2 MiB or holds a path or package index of one machine"
    here = re.compile(r'/(?:root|work)/|/home/\w+|/tmp[/]w\b|opt[/]pypi|--(?:extra-)?index[-]url|download[.]pytorch|pypi[.]org|files[.]pythonhosted')
    for p in tracked():
        if p.stat().st_size > 2 << 20: yield f'{p} has {p.stat().st_size / 2**20:.1f} MiB: shrink it (pictures of a notebook: lower dpi) or leave it out'
        if found := here.search(text_of(p)): yield f'{p} holds {found[0]!r}: write a relative path, or clear that output'

def lazy():
    "import oplas stays light: no umap, transformers, musdb or matplotlib.pyplot (no module imports the first three)"
    modules = [lib] + [f'{lib}.{p.stem}' for p in sorted(Path(lib).glob('*.py')) if p.name[0] != '_']
    for some, banned in ((modules[:1], heavy | {'matplotlib.pyplot'}), (modules, heavy)):
        code = f"import sys, {', '.join(some)}; print(*({banned!r} & set(sys.modules)))"
        out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
        if out.returncode: yield f'importing {", ".join(some)} failed: {out.stderr.strip().splitlines()[-1]}'
        elif out.stdout.strip(): yield f'importing {", ".join(some)} imports {out.stdout.strip()}: import it inside the function that uses it'

checks = export, clean, readme, address, docs, files, lazy

def mend():
    "Export, clean, and give every link to our pages the address that stands in settings.ini"
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
    if '--mend' in sys.argv: mend()
    failed = 0
    for check in checks:
        problems = []
        try: problems.extend(check())
        except (Exception, SystemExit) as e: problems.append(f'{type(e).__name__}: {e}')
        print(f'{"FAIL" if problems else "ok":4} {check.__name__:8} {check.__doc__}', *problems, sep='\n     - ', flush=True)
        failed += bool(problems)
    sys.exit(bool(failed))

if __name__ == '__main__': main()
