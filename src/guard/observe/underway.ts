/** Requests that have begun and are not reported yet: the log is closed after them. */
import type { Course, GuardObserver } from '../enforce/exchange.ts';

/** Milliseconds that requests whose client has gone need to notice it. */
const mostNoticeMs = 1000;

export class Underway implements GuardObserver {
  private readonly courses = new Set<Course>();

  began(course: Course): void {
    this.courses.add(course);
    void course.reported.then(() => this.courses.delete(course));
  }

  /** Waits for the reports of all that end now. Of answers that nobody reads to their end there is none. */
  async settled(): Promise<void> {
    const courses = [...this.courses];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, mostNoticeMs);
    });
    const ended = new Set<Course>();
    const all = Promise.all(courses.map((course) => course.ended.then(() => ended.add(course))));
    await Promise.race([all, late]);
    clearTimeout(timer);
    await Promise.all([...ended].map(({ reported }) => reported));
  }
}
