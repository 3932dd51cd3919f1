"""Word lists shared by the tasks and the running text."""

LETTERS = "a b c d e f g h j k l m n o p r s t u v w x y z".split()
DIGITS = "0 1 2 3 4 5 6 7 8 9".split()

COLOURS = "red blue green black white pink gold grey".split()
ANIMALS = "cat dog cow fox hen pig owl bee".split()
FOODS = "soup cake rice fish corn plum bean pear".split()
ROOMS = "hall den loft shed barn yard attic porch".split()
TOOLS = "saw axe rope nail lamp pump oar net".split()
CATEGORIES = (COLOURS, ANIMALS, FOODS, ROOMS, TOOLS)

DOORS = "north south east west".split()
SPELLS = "zap hex charm curse".split()
DYES = "salt acid heat ash".split()
SHUFFLES = "cut flip riffle swap".split()

GOOD = "good nice kind great fine lovely warm clean happy fresh".split()
BAD = "bad poor rude awful dull nasty cold dirty sad stale".split()
KEEP = ["very", "really", "so", "quite"]
FLIP = ["not", "never", "hardly"]
THINGS = ("soup cake rice fish room staff bed view song book play film coat shoe train boat "
          "tea bread hotel garden talk game lamp chair").split()

NAMES = "Ann Bob Cal Dee Eve Fay Gus Hal Ida Jon Kim Lou".split()

_PAIRS = "hot cold big small old new fast slow wet dry long short high low full empty hard soft".split()
OPPOSITES = {**dict(zip(_PAIRS[::2], _PAIRS[1::2])), **dict(zip(_PAIRS[1::2], _PAIRS[::2]))}
