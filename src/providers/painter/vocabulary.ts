import type { Hex } from './colour.ts';
import type { Place, Scene, Season, Style, Time, Weather } from './scene.ts';

/** Words for one meaning each, separated by commas. Plurals of nouns are found by rule. */
type Words<Meaning extends string> = Readonly<Record<Meaning, string>>;

export const TIMES: Words<Time> = {
  dawn: 'dawn, sunrise, daybreak, early morning, first light, morning',
  day: 'day, daytime, noon, midday, afternoon, daylight, sunny, sunlit, sunshine',
  sunset: 'sunset, sundown, golden hour, evening, evening light, setting sun',
  dusk: 'dusk, twilight, blue hour, nightfall, gloaming',
  night: 'night, midnight, moonlight, moonlit, nighttime, nocturne, starry, starlit, at night',
};

export const WEATHERS: Words<Weather> = {
  clear: 'clear, cloudless, fair weather',
  cloudy: 'cloudy, overcast, cloud, grey sky',
  rain: 'rain, rainy, raining, drizzle, shower, downpour, wet',
  storm: 'storm, stormy, thunder, thunderstorm, lightning, tempest',
  snow: 'snowing, snowfall, snowflake, blizzard, snowstorm, falling snow',
  fog: 'fog, foggy, mist, misty, haze, hazy',
};

export const SEASONS: Words<Season> = {
  spring: 'spring, springtime, blossom, blossoming, april, sakura',
  summer: 'summer, summery, june, july, august',
  autumn: 'autumn, autumnal, fall foliage, october, november, falling leaves, fall colors',
  winter: 'winter, wintry, snow, snowy, snow-covered, frost, frosty, icy, ice, frozen, christmas',
};

export const PLACES: Words<Place> = {
  sea: 'sea, ocean, open water, wave, seascape, harbour, harbor, port, marina, bay, water',
  beach: 'beach, shore, coast, seashore, seaside, coastline, island, cove',
  lake: 'lake, pond, lagoon, lakeside, fjord',
  river: 'river, stream, creek, brook, riverside',
  canal: 'canal, venice, venetian, grand canal, amsterdam',
  mountains: 'mountain, mountains, peak, alps, alpine, mountainous, summit, himalaya, volcano',
  hills: 'hill, hills, hilly, rolling hills, countryside, valley, tuscany, tuscan, landscape',
  desert: 'desert, dune, sahara, oasis, canyon, sand dune',
  forest: 'forest, wood, woods, woodland, jungle, rainforest, grove',
  city:
    'city, skyline, cityscape, metropolis, downtown, skyscraper, urban, new york, manhattan, ' +
    'tokyo, chicago, hong kong',
  street: 'street, alley, road, lane, avenue, paris, boulevard, market street, old town',
  village: 'village, town, hamlet',
  field: 'field, meadow, prairie, grassland, pasture, farm, farmland, plain, savanna, grass',
  garden: 'garden, park, orchard, flowerbed, backyard',
  room:
    'room, interior, living room, bedroom, indoors, library, study, studio apartment, parlour, ' +
    'parlor, sofa, armchair',
  table: 'table, still life, kitchen, desk, tabletop, counter, windowsill, shelf, cafe',
  space:
    'space, outer space, galaxy, cosmos, cosmic, planet, nebula, mars, orbit, universe, saturn',
  underwater: 'underwater, coral reef, coral, reef, aquarium, seabed, under the sea, deep sea',
  abstract: 'abstract, geometric, pattern, fractal, bauhaus, mosaic, kandinsky, gradient',
};

export const STYLES: Words<Style> = {
  painting: 'painting, illustration, digital art, gouache',
  watercolour: 'watercolour, watercolor, aquarelle, wash',
  oil: 'oil, oil painting, oil paint, impasto, impressionist, impressionism, van gogh, monet, oils',
  pixel: 'pixel art, pixel, pixelated, pixelart, 8-bit, 16-bit, 8 bit, 16 bit, voxel',
  line:
    'line drawing, line art, sketch, pencil, pencil drawing, ink, ink drawing, drawing, ' +
    'engraving, etching, coloring page, colouring page, doodle, pen and ink, outline',
  poster:
    'poster, flat, flat design, minimalist, minimal, vector, screen print, screenprint, woodcut, ' +
    'linocut, ukiyo-e, art deco, travel poster, risograph, woodblock print, woodblock',
  'black-and-white':
    'black and white, monochrome, grayscale, greyscale, noir, black-and-white, black & white',
};

export const HEAVENS: Words<Scene['heavens'][number]> = {
  sun: 'sun',
  moon: 'moon, full moon, crescent moon',
  stars: 'star, stars, milky way, constellation, shooting star',
  rainbow: 'rainbow',
  aurora: 'aurora, northern lights, aurora borealis',
};

export const COLOURS: Readonly<Record<string, Hex>> = {
  red: '#d6342c',
  crimson: '#b81f3a',
  scarlet: '#e0301e',
  orange: '#f0801f',
  yellow: '#f6c928',
  gold: '#e0ac2b',
  golden: '#e0ac2b',
  green: '#3f9a4b',
  emerald: '#1f9a6c',
  lime: '#9ccf3a',
  olive: '#7d8038',
  teal: '#1f8f8f',
  turquoise: '#35bdb9',
  cyan: '#35c3dc',
  blue: '#2f6fd0',
  navy: '#22386f',
  indigo: '#43399c',
  purple: '#7f47b0',
  violet: '#8450c4',
  magenta: '#cf3a98',
  pink: '#f08fb4',
  brown: '#7d5030',
  tan: '#c9a878',
  beige: '#e3d3b4',
  cream: '#f6ecd2',
  white: '#f7f4ee',
  black: '#2b2a30',
  grey: '#8d9096',
  gray: '#8d9096',
  silver: '#b9bec6',
  copper: '#b8693c',
  bronze: '#a5743a',
  maroon: '#7a2233',
  lavender: '#b49ae0',
  peach: '#fbb996',
  ginger: '#dd8238',
  amber: '#f2a32a',
  azure: '#3f9ae0',
};

/** Three for an unnamed few, twelve at most: more would be dots. */
export const COUNTS: Readonly<Record<string, number>> = {
  two: 2,
  pair: 2,
  couple: 2,
  both: 2,
  three: 3,
  trio: 3,
  few: 3,
  some: 3,
  four: 4,
  several: 4,
  five: 5,
  group: 5,
  six: 6,
  many: 7,
  seven: 7,
  flock: 7,
  herd: 5,
  fleet: 5,
  bunch: 5,
  bouquet: 7,
  crowd: 8,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  dozen: 12,
};

export const SCALES: Readonly<Record<string, number>> = {
  tiny: 0.55,
  small: 0.72,
  little: 0.75,
  distant: 0.5,
  big: 1.22,
  large: 1.22,
  huge: 1.4,
  giant: 1.45,
  enormous: 1.45,
  gigantic: 1.45,
};

/** Words that join and point. They carry no picture and end the reach of a colour. */
export const JOINING_WORDS: ReadonlySet<string> = new Set(
  (
    'a an the of in on at by with and or to from for near under over above below beside behind ' +
    'between into through during as is are it its his her their my our your this that these ' +
    'those very there while against around along across inside onto next front'
  ).split(' '),
);
