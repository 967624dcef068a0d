"""Run by Quarto (see _quarto.yml), where nbdev copies it as `pages`: `pages before` gives the pages the version and addresses of settings.ini,
`pages after` mends the Markdown copies of the pages and lists them in llms.txt."""
import os
import re
import sys
from configparser import ConfigParser
from pathlib import Path


def settings():
    "The nearest settings.ini above this folder."
    here = Path.cwd()
    path = next(p / 'settings.ini' for p in (here, *here.parents) if (p / 'settings.ini').exists())
    config = ConfigParser(delimiters=['='])
    config.read(path, encoding='utf-8')
    return config['DEFAULT']


def before():
    "Write _variables.yml, which the footer reads."
    own = settings()
    licenses = dict(apache2='Apache License 2.0')
    values = dict(version=own['version'], license=licenses[own['license']], repo=own['git_url'], branch=own['branch'])
    text = ''.join(f'{name}: "{value}"\n' for name, value in values.items())
    path = Path('_variables.yml')
    if not path.exists() or path.read_text(encoding='utf-8') != text: path.write_text(text, encoding='utf-8')


def mended(text):
    "A Markdown copy with links to copies instead of notebooks, and without embedded sounds and pictures."
    text = re.sub(r'\]\((?!https?:)([^)\s#]*?)(\d+_)?([^/)\s#]+)\.ipynb', r'](\1\3.html.md', text)
    text = re.sub(r'<audio.*?</audio>', '(a sound)', text, flags=re.S)
    return re.sub(r'src="data:[^"]*"', 'src=""', text)


def listed(path, out, site):
    "A line of llms.txt: link, title, and what the page says that it is for."
    text = path.read_text(encoding='utf-8')
    title = re.search(r'^# (.+)$', text, re.M)
    about = re.search(r'^> (.+)$', text, re.M)
    name = title[1] if title else path.name.split('.')[0]
    return f'- [{name}]({site}/{path.relative_to(out).as_posix()})' + (f': {about[1]}' if about else '')


def after():
    "Mend the Markdown copies and write llms.txt."
    out, own = Path(os.environ['QUARTO_PROJECT_OUTPUT_DIR']), settings()
    copies = sorted(out.rglob('*.html.md'))
    for path in copies: path.write_text(mended(path.read_text(encoding='utf-8')), encoding='utf-8')
    site = own['doc_host'] + own['doc_baseurl']
    lines = [listed(path, out, site) for path in copies]
    head = f"# {own['title']}\n\n> {own['description']}\n\n## Pages\n\n"
    if copies: (out / 'llms.txt').write_text(head + '\n'.join(lines) + '\n', encoding='utf-8')


if __name__ == '__main__': {'before': before, 'after': after}[sys.argv[1]]()
