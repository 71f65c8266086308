/** Marlow: twelve bookshops, a webshop and an academy. What does not change during the two weeks of the demo. */
import type { Random } from './random.ts';

/** Monday 2 to Sunday 15 November 2026. */
export const DAYS: readonly string[] = Array.from(
  { length: 14 },
  (_, i) => `2026-11-${String(i + 2).padStart(2, '0')}`,
);

/** 0 is Monday. */
export const weekdayOf = (day: string): number => (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
export const compact = (day: string): string => day.replaceAll('-', '');

export interface Store {
  code: string;
  name: string;
  region: Region;
  /** Relative to an average store. */
  size: number;
}
export const REGIONS = ['north', 'south', 'west'] as const;
export type Region = (typeof REGIONS)[number];

export const STORES: readonly Store[] = [
  { code: 'HH', name: 'Hamburg', region: 'north', size: 1.7 },
  { code: 'HL', name: 'Lübeck', region: 'north', size: 0.6 },
  { code: 'HB', name: 'Bremen', region: 'north', size: 0.9 },
  { code: 'GO', name: 'Göttingen', region: 'north', size: 0.7 },
  { code: 'MU', name: 'München', region: 'south', size: 1.8 },
  { code: 'NU', name: 'Nürnberg', region: 'south', size: 1.0 },
  { code: 'WU', name: 'Würzburg', region: 'south', size: 0.6 },
  { code: 'TU', name: 'Tübingen', region: 'south', size: 0.7 },
  { code: 'KO', name: 'Köln', region: 'west', size: 1.5 },
  { code: 'DU', name: 'Düsseldorf', region: 'west', size: 1.2 },
  { code: 'MS', name: 'Münster', region: 'west', size: 0.8 },
  { code: 'SB', name: 'Saarbrücken', region: 'west', size: 0.5 },
];
/** Share of an average day, Monday to Sunday. On Sundays only the shops at railway stations sell, and not much. */
export const STORE_WEEK = [0.85, 0.8, 0.9, 1.0, 1.25, 1.6, 0.15];
export const WEB_WEEK = [1.0, 0.95, 0.95, 1.0, 0.9, 0.95, 1.35];

export interface Category {
  name: string;
  prices: [cents: number, cents: number];
  returnRate: number;
  articles: readonly string[];
  courses: readonly string[];
  /** How often someone who completes one of the courses has bought in the category before. */
  bookFirst: number;
}

export const CATEGORIES: readonly Category[] = [
  {
    name: 'Novels',
    prices: [1199, 2499],
    returnRate: 0.02,
    articles: ['Das stille Haus', 'Die Fährfrau', 'Zwölf Brücken', 'Roman in Grün'],
    courses: ['Creative writing', 'Reading poetry'],
    bookFirst: 0.2,
  },
  {
    name: 'Children',
    prices: [699, 1899],
    returnRate: 0.03,
    articles: ['Bär und Möwe', 'Das große Wimmelbuch', 'Rätsel für Füchse', 'Gute-Nacht-Geschichten'],
    courses: ['Reading aloud', 'Drawing with children'],
    bookFirst: 0.3,
  },
  {
    name: 'Languages',
    prices: [1499, 3999],
    returnRate: 0.06,
    articles: ['Español fácil – A1', 'Wörterbuch Französisch', 'Italienisch für die Reise', 'Português básico'],
    courses: ['Spanish A1', 'French A2', 'Italian for travellers'],
    bookFirst: 0.75,
  },
  {
    name: 'Cooking',
    prices: [1999, 4499],
    returnRate: 0.04,
    articles: ['Brot backen', 'Gemüse; 100 Rezepte', 'Käse & Kräuter', 'Süßes „wie früher“'],
    courses: ['Bread at home', 'Knife skills'],
    bookFirst: 0.55,
  },
  {
    name: 'Stationery',
    prices: [199, 4999],
    returnRate: 0.09,
    articles: ['Füllhalter', 'Notizbuch A5; liniert', 'Bilderrahmen 8"', 'Kalender 2027'],
    courses: ['Hand lettering'],
    bookFirst: 0.4,
  },
  {
    name: 'Software',
    prices: [2499, 6999],
    returnRate: 0.12,
    articles: ['SQL – kurz & gut', 'Daten für alle', 'Python für Schüler', 'Statistik ohne Angst'],
    courses: ['SQL from scratch', 'Data with Python'],
    bookFirst: 0.65,
  },
];

export interface Product {
  sku: string;
  name: string;
  category: string;
  cents: number;
}

export function makeProducts(random: Random): Product[] {
  const perArticle = 20;
  return CATEGORIES.flatMap((category, c) =>
    category.articles.flatMap((article, a) =>
      Array.from({ length: perArticle }, (_, i) => ({
        sku: `P${100_000 + (c * 10 + a) * 100 + i}`,
        name: i === 0 ? article : `${article}, Ausgabe ${i + 1}`,
        category: category.name,
        cents: Math.round(random.integer(...category.prices) / 10) * 10 - 1,
      })),
    ),
  );
}

export interface Course {
  id: string;
  title: string;
  topic: string;
}
export const COURSES: readonly Course[] = CATEGORIES.flatMap((category, c) =>
  category.courses.map((title, i) => ({ id: `K${c + 1}${i + 1}`, title, topic: category.name })),
);

export interface Customer {
  id: string;
  name: string;
  email: string;
  city: string;
  level: 'basic' | 'silver' | 'gold';
  since: string;
}

const FIRST = [
  'Anna',
  'Björn',
  'Chloé',
  'Daniel',
  'Élodie',
  'Fatma',
  'Günter',
  'Hanna',
  'İbrahim',
  'Jürgen',
  'Käthe',
  'Łukasz',
];
const LAST = [
  'Müller',
  'Schäfer',
  'Öztürk',
  'García',
  'Nowak',
  'Weiß',
  'Björk',
  'Krämer',
  'Dupré',
  'Haas',
  'Jäger',
  'Vogel',
];

export function makeCustomer(random: Random, number: number): Customer {
  const first = random.pick(FIRST);
  const last = random.pick(LAST);
  const address = `${first}.${last}${number}`
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9.]/g, '')
    .toLowerCase();
  return {
    id: `C${String(number).padStart(5, '0')}`,
    name: `${first} ${last}`,
    email: `${address}@example.org`,
    city: random.pick(STORES).name,
    level: random.chance(0.1) ? 'gold' : random.chance(0.3) ? 'silver' : 'basic',
    since: `20${random.integer(12, 25)}-${String(random.integer(1, 12)).padStart(2, '0')}-${String(random.integer(1, 28)).padStart(2, '0')}`,
  };
}
