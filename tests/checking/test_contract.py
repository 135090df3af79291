"""Which strings of a code cell are paths of one machine."""

import pytest

from autograder.checking.contract import absolute_paths

ABSOLUTE = [
    "open('/content/drive/MyDrive/data.csv')",
    "DATA = '/home/ada'",
    "np.load('/tmp/x.npy')",
    "Path('/content') / 'data'",
    "sys.path.append('/Users/ada/course/p01')",
    "pd.read_csv('/data.csv')",
    "open('/gscratch/stf/ada/weights')",
    r"open('C:\\Users\\ada\\data.csv')",
    "open('D:/data.csv')",
    r"open(r'\\server\share\data.csv')",
    "os.path.expanduser('~/data')",
    "open('~ada/data.csv')",
    "os.path.expandvars('$HOME/data')",
    "open(f'/content/{name}.csv')",
    "open('/content/%s' % name)",
    "open('/content/' + name)",
    "urlopen('file:///etc/passwd')",
    "%matplotlib inline\nopen('/home/ada/x')",
    "%%time\nopen('/home/ada/x')",
    "for p in ['/home/ada/x']:\n    !ls\n    open(p)",
    "def f(path='/home/ada/x'):\n    pass",
]

HARMLESS = [
    "open('data/letters.csv')",
    "open('./x.csv'), open('../x.csv')",
    "url = 'https://example.org/home/ada/x.csv'",
    "x = '/'",
    "label = 'm / s', '/s', '/ 2', '1/2', 'and/or'",
    "tag = '/train/loss'",
    "with tf.device('/GPU:0'): pass",
    "tf.config.experimental_connect_to_host('/job:localhost/replica:0/task:0/device:CPU:0')",
    "open(os.devnull), open('/dev/null')",
    "open(FOLDER + '/home/data.csv')",
    "open(f'{FOLDER}/home/data.csv')",
    "weights = file['/home/dense/kernel']",
    "# open('/home/ada/x')",
    "'''Reads /home/ada/x.'''",
    "def f():\n    '''/home/ada/x'''",
    "!cp /content/drive/x .",
    "%cd /content",
    "files = !ls /content",
    "%%bash\ncat /home/ada/x",
    "open?",
    "axes.set_title(r'$f: \\mathbb{R}$')",
    "x = '~ 3/4 of all', '~3/4', '~'",
    "this is no Python '/home/ada/x'",
    "'\\u0000'",
    "",
]


@pytest.mark.parametrize("source", ABSOLUTE)
def test_found(source):
    assert len(absolute_paths(source)) == 1


@pytest.mark.parametrize("source", HARMLESS)
def test_not_found(source):
    assert absolute_paths(source) == []
