__version__ = "0.1.0"

from importlib import import_module

# Every public name and the module it lives in; modules are imported when a name of theirs is first used.
_PUBLIC = {
    'rotations': 'rotation_matrix rotate rotate_by rotation_angle aguilera_perez plane_basis',
    'film': 'FiLM FiLMR assert_trainable',
    'operators': 'OPERATORS make_operator linear_part',
    'training': 'Ensemble fit',
    'storage': 'cached_runs',
    'stargate': 'lock_report ring_angle',
    'ring': 'RingSpace ring_report',
    'mixing': 'MixSpace mix_report',
    'plugin': 'LatentPlugin',
    'modules': 'export_onnx',
    'batches': 'encode_batches',
    'audio.stems': 'find_songs load_chunks split_songs',
    'audio.synth': 'make_band make_notes',
    'audio.spectra': 'LogMel ConstantQ',
    'audio.encoders': 'VGGish CLAP Cached make_encoder encode_cached join_processes',
    'audio.songs': 'mix_songs',
    'paper.reproduce': 'reproduce',
}
# Rooms that give the spaces more methods; whoever takes a space from here gets them, too.
_METHODS = dict.fromkeys(['RingSpace', 'MixSpace'], ['modules', 'display', 'hub'])
_HOME = {name: module for module, names in _PUBLIC.items() for name in names.split()}
__all__ = sorted(_HOME)

def __getattr__(name):
    if name not in _HOME: raise AttributeError(f"module 'oplas' has no attribute {name!r}")
    for module in _METHODS.get(name, ()):
        import_module(f'oplas.{module}')
    return getattr(import_module(f'oplas.{_HOME[name]}'), name)

def __dir__(): return sorted([*globals(), *__all__])
