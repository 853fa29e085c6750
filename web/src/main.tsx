import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import './styles/base.css';
import './styles/annotate.css';
import './styles/runs.css';
import './styles/constitution.css';

createRoot(document.getElementById('root')!).render(<App />);
