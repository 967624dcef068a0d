"""Run by Quarto (see _quarto.yml), where nbdev copies it as `pages`.

`pages before` gives the footer the version and the addresses of settings.ini. `pages after` takes out of the pages
what they would ask third parties for, mends their Markdown copies, and lists those in llms.txt.
"""
import os
import re
import sys
from configparser import ConfigParser
from html import unescape
from pathlib import Path

LICENSES = dict(apache2='Apache License 2.0')


def settings():
    "The nearest settings.ini above this folder."
    here = Path.cwd()
    path = next(p / 'settings.ini' for p in (here, *here.parents) if (p / 'settings.ini').exists())
    config = ConfigParser(delimiters=['='])
    config.read(path, encoding='utf-8')
    return config['DEFAULT']


def write(path, text):
    "Write a text where it is new: an unchanged file keeps its time."
    if not path.exists() or path.read_text(encoding='utf-8') != text: path.write_text(text, encoding='utf-8')


def before():
    "Write _variables.yml, which the footer reads."
    own = settings()
    values = dict(
        version=own['version'], license=LICENSES[own['license']], repo=own['git_url'], branch=own['branch'])
    write(Path('_variables.yml'), ''.join(f'{name}: "{value}"\n' for name, value in values.items()))


def alone(html, card):
    "A page without what Quarto fetches for widgets, with words for a badge, and a card to share."
    html = re.sub(r'<script src="https://cdnjs\.cloudflare\.com/[^>]*></script>\s*', '', html)
    html = re.sub(r'<script[^>]*>define\(.jquery..*?</script>\s*', '', html)
    html = re.sub(r'(<meta (?:property|name)="(?:og|twitter):image" content=")[^"]*data:[^"]*"', rf'\1{card}"', html)
    return re.sub(r'<img [^>]*colab-badge\.svg[^>]*>', 'Open in Colab', html)


def mended(text):
    "A Markdown copy with links to copies instead of notebooks, and without embedded sounds and pictures."
    text = re.sub(r'\]\((?!https?:)([^)\s#]*?)(\d+_)?([^/)\s#]+)\.ipynb', r'](\1\3.html.md', text)
    text = re.sub(r'<audio.*?</audio>', '(a sound)', text, flags=re.S)
    return re.sub(r'src="data:[^"]*"', 'src=""', text)


def listed(path, out, site):
    "A line of llms.txt: link, title, and what the page says that it is for."
    page = path.with_suffix('').read_text(encoding='utf-8')
    title = re.search(r'<title>(.*?)(?: – [^<]*)?</title>', page, re.S)
    about = re.search(r'<meta name="description" content="(.*?)">', page, re.S)
    name = unescape(title[1]).strip() if title else path.name.split('.')[0]
    return f'- [{name}]({site}/{path.relative_to(out).as_posix()})' + (f': {unescape(about[1])}' if about else '')


def after():
    "Mend pages and copies, and write llms.txt."
    out, own = Path(os.environ['QUARTO_PROJECT_OUTPUT_DIR']), settings()
    site = own['doc_host'] + own['doc_baseurl']
    for path in out.rglob('*.html'): write(path, alone(path.read_text(encoding='utf-8'), f'{site}/images/card.png'))
    copies = sorted(out.rglob('*.html.md'))
    for path in copies: write(path, mended(path.read_text(encoding='utf-8')))
    if not copies: return
    head = f"# {own['title']}\n\n> {own['description']}\n\n## Pages\n\n"
    write(out / 'llms.txt', head + '\n'.join(listed(path, out, site) for path in copies) + '\n')


if __name__ == '__main__': {'before': before, 'after': after}[sys.argv[1]]()
