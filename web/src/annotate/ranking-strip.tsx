/** The ranking at a glance: a place for each rank, with the letters in it, which can be dragged. */
import {
  DndContext,
  type DragEndEvent,
  PointerSensor,
  TouchSensor,
  useDraggable,
  useDroppable,
  useSensor,
  useSensors,
} from '@dnd-kit/core';
import type { ReactNode } from 'react';
import { places, type Ranks } from './ranking.ts';

interface RankingStripProps {
  readonly ranks: Ranks;
  readonly letters: readonly string[];
  readonly current: number;
  readonly onRank: (card: number, rank: number | null) => void;
  readonly onGoTo: (card: number) => void;
}

export function RankingStrip({ ranks, letters, current, onRank, onGoTo }: RankingStripProps): ReactNode {
  const { ranked, unranked } = places(ranks);
  // The keyboard has keys of its own for all of this; dragging is for hands.
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: 4 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 120, tolerance: 8 } }),
  );
  const drop = ({ active, over }: DragEndEvent): void => {
    if (!over) return;
    const place = Number(over.id);
    onRank(Number(active.id), place === 0 ? null : place);
  };
  const chip = (card: number): ReactNode => (
    <Chip key={card} card={card} letter={letters[card]} current={card === current} onGoTo={onGoTo} />
  );
  return (
    <DndContext sensors={sensors} onDragEnd={drop} accessibility={silent}>
      <div className="strip">
        {ranked.map((cards, i) => (
          <Place
            key={i}
            place={i + 1}
            label={i === 0 ? '1 best' : String(i + 1)}
            last={i === ranked.length - 1}
          >
            {cards.map(chip)}
          </Place>
        ))}
        <Place place={0} label="not ranked" last={false}>
          {unranked.map(chip)}
        </Place>
      </div>
    </DndContext>
  );
}

/** The page announces changes itself, however they come about. */
const silent = {
  announcements: {
    onDragStart: () => undefined,
    onDragOver: () => undefined,
    onDragEnd: () => undefined,
    onDragCancel: () => undefined,
  },
  screenReaderInstructions: { draggable: '' },
};

interface PlaceProps {
  readonly place: number;
  readonly label: string;
  readonly last: boolean;
  readonly children: ReactNode;
}

function Place({ place, label, children }: PlaceProps): ReactNode {
  const { setNodeRef, isOver } = useDroppable({ id: String(place) });
  return (
    <div ref={setNodeRef} className="place" data-over={isOver || undefined} data-place={place}>
      <span className="place-label">{label}</span>
      <div className="chips">{children}</div>
    </div>
  );
}

interface ChipProps {
  readonly card: number;
  readonly letter: string;
  readonly current: boolean;
  readonly onGoTo: (card: number) => void;
}

function Chip({ card, letter, current, onGoTo }: ChipProps): ReactNode {
  const { setNodeRef, listeners, transform, isDragging } = useDraggable({ id: String(card) });
  return (
    <button
      ref={setNodeRef}
      type="button"
      className="chip"
      tabIndex={-1}
      aria-label={`Go to response ${letter}`}
      data-current={current || undefined}
      data-dragging={isDragging || undefined}
      style={transform ? { transform: `translate(${transform.x}px, ${transform.y}px)` } : undefined}
      onClick={() => onGoTo(card)}
      {...listeners}
    >
      {letter}
    </button>
  );
}
