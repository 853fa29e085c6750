import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { keepApp } from './base/service-worker.ts';
import './styles/base.css';
import './styles/annotate.css';
import './styles/runs.css';
import './styles/constitution.css';
import './styles/playground.css';
import './styles/quality.css';

keepApp();
createRoot(document.getElementById('root')!).render(<App />);
